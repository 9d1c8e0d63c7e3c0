file(GLOB_RECURSE lint_sources CONFIGURE_DEPENDS
    ${PROJECT_SOURCE_DIR}/include/*.hpp ${PROJECT_SOURCE_DIR}/lib/*.[ch]pp ${PROJECT_SOURCE_DIR}/test/*.[ch]pp
    ${PROJECT_SOURCE_DIR}/bench/*.[ch]pp ${PROJECT_SOURCE_DIR}/samples/*.[ch]pp)

find_program(STRANDLINE_CLANG_FORMAT clang-format-19)
if(STRANDLINE_CLANG_FORMAT)
    add_custom_target(lint COMMAND ${STRANDLINE_CLANG_FORMAT} --dry-run --Werror ${lint_sources} VERBATIM)
else()
    add_custom_target(lint
        COMMAND ${CMAKE_COMMAND} -E echo "clang-format-19 is missing: run ./scripts/setup, then configure again"
        COMMAND ${CMAKE_COMMAND} -E false)
endif()

# Slow (half a minute a file), so it is run by hand and not part of lint.
find_program(STRANDLINE_RUN_CLANG_TIDY run-clang-tidy-19)
if(STRANDLINE_RUN_CLANG_TIDY)
    add_custom_target(tidy
        COMMAND ${STRANDLINE_RUN_CLANG_TIDY} -quiet -p ${PROJECT_BINARY_DIR} "^${PROJECT_SOURCE_DIR}/(lib|test|bench|samples)/"
        VERBATIM)
endif()
