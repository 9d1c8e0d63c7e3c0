find_program(STRANDLINE_CCACHE ccache)
if(STRANDLINE_CCACHE AND NOT CMAKE_CXX_COMPILER_LAUNCHER)
    # ccache takes part in precompiled headers only with this sloppiness.
    set(CMAKE_CXX_COMPILER_LAUNCHER
        ${CMAKE_COMMAND} -E env CCACHE_SLOPPINESS=pch_defines,time_macros ${STRANDLINE_CCACHE})
endif()
