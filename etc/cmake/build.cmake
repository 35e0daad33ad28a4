# The name of the build, which master and its children compare: the version and a
# hash of all sources, so that equal sources give equal programs. The build
# computes it, so that it is never that of older sources.
file(GLOB_RECURSE build_sources CONFIGURE_DEPENDS
    ${PROJECT_SOURCE_DIR}/src/*.[ch] ${PROJECT_SOURCE_DIR}/include/*.h)
string(SHA256 build_names "${build_sources}") # a new name has an old time
set(build_header ${CMAKE_BINARY_DIR}/build_id.h)
add_custom_command(OUTPUT ${build_header}
    COMMAND ${CMAKE_COMMAND} -DROOT=${PROJECT_SOURCE_DIR}
        -DVERSION=${version} -DNAMES=${build_names} -DHEADER=${build_header}
        -P ${PROJECT_SOURCE_DIR}/etc/cmake/build_id.cmake
    DEPENDS ${build_sources} etc/cmake/build_id.cmake
    COMMENT "Hashing the sources" VERBATIM)
target_sources(ipc_room PRIVATE ${build_header})
set_source_files_properties(${PROJECT_SOURCE_DIR}/src/lib/ipc/build.c PROPERTIES
    COMPILE_OPTIONS "-include;${build_header}"
    OBJECT_DEPENDS ${build_header})
