# Removes the files of install_manifest.txt, which the last `cmake --install`
# wrote in this directory, and the directories of the project that are empty then.
# Lists what stays: what the administrator, the server and the users have made.
if(NOT EXISTS install_manifest.txt)
    message(FATAL_ERROR "Nothing was installed from here.")
endif()
file(STRINGS install_manifest.txt files)
set(directories /etc/sallyport /var/lib/sallyport /srv/sallyport)
foreach(file ${files})
    file(REMOVE "$ENV{DESTDIR}${file}")
    cmake_path(GET file PARENT_PATH directory)
    while(directory MATCHES "/sallyport(/|$)")
        list(APPEND directories ${directory})
        cmake_path(GET directory PARENT_PATH directory)
    endwhile()
endforeach()
list(LENGTH files count)
message(STATUS "${count} files removed")

list(REMOVE_DUPLICATES directories)
list(SORT directories ORDER DESCENDING) # what is inside comes first
foreach(directory ${directories})
    string(PREPEND directory "$ENV{DESTDIR}")
    execute_process(COMMAND rmdir -- "${directory}" ERROR_QUIET) # only if empty
    if(EXISTS "${directory}")
        message(STATUS "stays: ${directory}")
    endif()
endforeach()
message(STATUS "stay: the accounts _sallyport-*, if systemd-sysusers has made them")
