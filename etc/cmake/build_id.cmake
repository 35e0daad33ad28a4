# Writes HEADER, which defines SALLYPORT_BUILD: VERSION and a hash of the sources
# below ROOT. An unchanged hash leaves the file as it is.
file(GLOB_RECURSE sources RELATIVE ${ROOT} ${ROOT}/src/*.[ch] ${ROOT}/include/*.h)
list(SORT sources)
set(hashes "")
foreach(source ${sources})
    file(SHA256 ${ROOT}/${source} hash)
    string(APPEND hashes "${source} ${hash}\n")
endforeach()
string(SHA256 hash "${hashes}")
string(SUBSTRING ${hash} 0 16 hash)
file(CONFIGURE OUTPUT ${HEADER} CONTENT
    "#define SALLYPORT_BUILD \"${VERSION}-${hash}\"\n")
