find_program(STRANDLINE_CCACHE ccache)
if(STRANDLINE_CCACHE AND NOT CMAKE_CXX_COMPILER_LAUNCHER)
    # ccache takes part in precompiled headers only with the first two, and finds what another build folder compiled
    # only when it leaves out the folder's name and the locale, which ctest sets.
    set(ccache_environment CCACHE_SLOPPINESS=pch_defines,time_macros,locale CCACHE_NOHASHDIR=1)
    set(CMAKE_CXX_COMPILER_LAUNCHER ${CMAKE_COMMAND} -E env ${ccache_environment} ${STRANDLINE_CCACHE})
endif()
