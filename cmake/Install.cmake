include(CMakePackageConfigHelpers)
include(GNUInstallDirs)

set(package_dir ${CMAKE_INSTALL_LIBDIR}/cmake/strandline)
configure_file(${PROJECT_SOURCE_DIR}/cmake/strandlineConfig.cmake.in ${PROJECT_BINARY_DIR}/strandlineConfig.cmake @ONLY)
# Before 1.0 a minor version may break.
write_basic_package_version_file(${PROJECT_BINARY_DIR}/strandlineConfigVersion.cmake COMPATIBILITY SameMinorVersion)

install(TARGETS strandline EXPORT strandlineTargets)
install(DIRECTORY ${PROJECT_SOURCE_DIR}/include/strandline TYPE INCLUDE)
install(EXPORT strandlineTargets NAMESPACE strandline:: DESTINATION ${package_dir})
install(FILES ${PROJECT_BINARY_DIR}/strandlineConfig.cmake ${PROJECT_BINARY_DIR}/strandlineConfigVersion.cmake
    DESTINATION ${package_dir})

if(STRANDLINE_BUILD_TOOLS)
    set(completion ${PROJECT_BINARY_DIR}/tools/completion)
    install(TARGETS command)
    install(FILES ${completion}/bash DESTINATION ${CMAKE_INSTALL_DATADIR}/bash-completion/completions RENAME strandline)
    install(FILES ${completion}/zsh DESTINATION ${CMAKE_INSTALL_DATADIR}/zsh/site-functions RENAME _strandline)
endif()

# The build tree is a package too: -Dstrandline_DIR=build/release.
export(EXPORT strandlineTargets NAMESPACE strandline:: FILE ${PROJECT_BINARY_DIR}/strandlineTargets.cmake)
