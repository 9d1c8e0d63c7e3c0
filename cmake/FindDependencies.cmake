# find_package in config mode knows Boost_ROOT; BOOST_ROOT, the name everybody sets, only from CMake 3.27 on.
# It wins over what an earlier configuration found.
if(NOT BOOST_ROOT)
    set(BOOST_ROOT $ENV{BOOST_ROOT})
endif()
if(BOOST_ROOT)
    unset(Boost_DIR CACHE)
    unset(boost_headers_DIR CACHE)
    set(Boost_ROOT ${BOOST_ROOT})
elseif(NOT Boost_DIR AND NOT Boost_ROOT AND "$ENV{Boost_ROOT}$ENV{CMAKE_PREFIX_PATH}${CMAKE_PREFIX_PATH}" STREQUAL ""
       AND EXISTS ${PROJECT_SOURCE_DIR}/.deps/boost/usr)
    set(Boost_ROOT ${PROJECT_SOURCE_DIR}/.deps/boost/usr)
endif()

find_package(Boost 1.92 CONFIG QUIET COMPONENTS headers)
if(NOT Boost_FOUND)
    set(seen "none was found")
    if(Boost_CONSIDERED_CONFIGS)
        list(JOIN Boost_CONSIDERED_VERSIONS ", " versions)
        list(JOIN Boost_CONSIDERED_CONFIGS "\n    " configs)
        set(seen "found ${versions} in\n    ${configs}")
    elseif(Boost_ROOT)
        set(seen "there is no BoostConfig.cmake below ${Boost_ROOT}")
    endif()
    message(FATAL_ERROR
        "strandline needs Boost 1.92 or newer (headers only): earlier versions of Boost.Redis lose subscriptions "
        "on a reconnect and have undefined behaviour on cancellation; ${seen}.\n"
        "Either run ./scripts/setup, which fetches Debian's package into .deps/ and changes nothing else, "
        "or name an installed Boost with BOOST_ROOT or CMAKE_PREFIX_PATH, for example:\n"
        "    BOOST_ROOT=/opt/boost-1.92 cmake --preset release --fresh")
endif()

set(THREADS_PREFER_PTHREAD_FLAG ON)
find_package(Threads REQUIRED)
find_package(OpenSSL REQUIRED)
find_package(fmt CONFIG REQUIRED)
