find_program(STRANDLINE_CCACHE ccache)
if(STRANDLINE_CCACHE AND NOT CMAKE_CXX_COMPILER_LAUNCHER)
    # ccache takes part in precompiled headers only with this sloppiness, and finds what another build folder
    # compiled only when it leaves the folder's name out.
    set(ccache_environment CCACHE_SLOPPINESS=pch_defines,time_macros CCACHE_NOHASHDIR=1)
    set(CMAKE_CXX_COMPILER_LAUNCHER ${CMAKE_COMMAND} -E env ${ccache_environment} ${STRANDLINE_CCACHE})
endif()
