# The name of the build, which master and its children compare: the version and a
# hash of all sources, so that equal sources give equal programs.
file(GLOB_RECURSE build_sources RELATIVE ${PROJECT_SOURCE_DIR}
    ${PROJECT_SOURCE_DIR}/src/*.[ch] ${PROJECT_SOURCE_DIR}/include/*.h)
list(SORT build_sources)
set(build_hashes "")
foreach(source ${build_sources})
    file(SHA256 ${PROJECT_SOURCE_DIR}/${source} hash)
    string(APPEND build_hashes "${source} ${hash}\n")
endforeach()
string(SHA256 build_hash "${build_hashes}")
string(SUBSTRING ${build_hash} 0 16 build_hash)
set_source_files_properties(${PROJECT_SOURCE_DIR}/src/ipc/build.c PROPERTIES
    COMPILE_DEFINITIONS SALLYPORT_BUILD="${PROJECT_VERSION}-${build_hash}")
