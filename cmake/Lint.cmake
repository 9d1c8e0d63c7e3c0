set(sources "")
foreach(folder include lib components tools test bench samples)
    file(GLOB_RECURSE found CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/${folder}/*.hpp ${PROJECT_SOURCE_DIR}/${folder}/*.cpp)
    list(APPEND sources ${found})
endforeach()

# Another version formats differently, so only this one may judge.
find_program(STRANDLINE_CLANG_FORMAT clang-format-19)
if(STRANDLINE_CLANG_FORMAT)
    add_custom_target(lint COMMAND ${STRANDLINE_CLANG_FORMAT} --dry-run --Werror ${sources} COMMENT "Checking the format" VERBATIM)
else()
    add_custom_target(lint
        COMMAND ${CMAKE_COMMAND} -E echo "clang-format-19 is missing: run ./scripts/setup, then configure again"
        COMMAND ${CMAKE_COMMAND} -E false VERBATIM)
endif()

# Up to half a minute for each file, so it is run by hand, after a build with clang-19 (it reads the precompiled headers).
find_program(STRANDLINE_RUN_CLANG_TIDY run-clang-tidy-19)
if(STRANDLINE_RUN_CLANG_TIDY)
    add_custom_target(tidy
        COMMAND ${STRANDLINE_RUN_CLANG_TIDY} -quiet -p ${PROJECT_BINARY_DIR}
                "^${PROJECT_SOURCE_DIR}/(lib|components|tools|test|bench|samples)/"
        USES_TERMINAL VERBATIM)
endif()
