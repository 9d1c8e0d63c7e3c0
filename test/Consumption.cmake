# Projects that use the library as others do: from an install, from the build tree, and by add_subdirectory. Each is
# configured, built and run by ctest with this build's compiler, flags and Boost.
function(strandline_consumption_test name source)
    add_test(NAME ${name} COMMAND ${CMAKE_CTEST_COMMAND}
        --build-and-test ${CMAKE_CURRENT_SOURCE_DIR}/${source} ${CMAKE_CURRENT_BINARY_DIR}/${name}
        --build-generator ${CMAKE_GENERATOR} --build-makeprogram ${CMAKE_MAKE_PROGRAM} --build-noclean
        --build-options --fresh
            -DCMAKE_BUILD_TYPE=${CMAKE_BUILD_TYPE}
            -DCMAKE_CXX_COMPILER=${CMAKE_CXX_COMPILER}
            -DCMAKE_CXX_FLAGS=${CMAKE_CXX_FLAGS}
            -DCMAKE_CXX_FLAGS_DEBUG=${CMAKE_CXX_FLAGS_DEBUG}
            -DBUILD_SHARED_LIBS=${BUILD_SHARED_LIBS}
            -DBoost_DIR=${Boost_DIR}
            ${ARGN}
        --test-command consumer)
    set_tests_properties(${name} PROPERTIES
        TIMEOUT 900 ENVIRONMENT "${ccache_environment};CMAKE_CXX_COMPILER_LAUNCHER=${STRANDLINE_CCACHE}")
endfunction()

if(STRANDLINE_INSTALL)
    set(prefix ${CMAKE_CURRENT_BINARY_DIR}/prefix)
    add_test(NAME install COMMAND ${CMAKE_COMMAND} --install ${PROJECT_BINARY_DIR} --prefix ${prefix})
    set_tests_properties(install PROPERTIES FIXTURES_SETUP installed)
    strandline_consumption_test(consume_install consume_package -DCMAKE_PREFIX_PATH=${prefix})
    set_tests_properties(consume_install PROPERTIES FIXTURES_REQUIRED installed)
    strandline_consumption_test(consume_build_tree consume_package -Dstrandline_DIR=${PROJECT_BINARY_DIR})
    if(STRANDLINE_BUILD_MSGPACK)
        # What the component was built with is not to be found here.
        strandline_consumption_test(consume_msgpack consume_msgpack
            -DCMAKE_PREFIX_PATH=${prefix} -DCMAKE_DISABLE_FIND_PACKAGE_nlohmann_json=ON)
        set_tests_properties(consume_msgpack PROPERTIES FIXTURES_REQUIRED installed)
    endif()
    if(STRANDLINE_BUILD_YAML)
        strandline_consumption_test(consume_yaml consume_yaml -DCMAKE_PREFIX_PATH=${prefix})
        set_tests_properties(consume_yaml PROPERTIES FIXTURES_REQUIRED installed)
    endif()
endif()
# The library is compiled once more here; with the same flags ccache has it already.
strandline_consumption_test(add_subdirectory add_subdirectory
    -DSTRANDLINE_WARNINGS_AS_ERRORS=${STRANDLINE_WARNINGS_AS_ERRORS})
