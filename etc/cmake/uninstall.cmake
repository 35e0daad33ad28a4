# Removes the files of install_manifest.txt, which the last `cmake --install`
# wrote in this directory. Directories, /etc, /srv and the accounts stay.
if(NOT EXISTS install_manifest.txt)
    message(FATAL_ERROR "Nothing was installed from here.")
endif()
file(STRINGS install_manifest.txt files)
list(TRANSFORM files PREPEND "$ENV{DESTDIR}")
file(REMOVE ${files})
list(LENGTH files count)
message(STATUS "${count} files removed")
