# The libraries of others, and how to find them: by pkg-config.
find_package(PkgConfig REQUIRED)
find_package(Threads REQUIRED)
pkg_check_modules(OPENSSL REQUIRED IMPORTED_TARGET openssl>=3)
pkg_check_modules(JANSSON REQUIRED IMPORTED_TARGET jansson)
if(SALLYPORT_SERVER OR TESTS)
    pkg_check_modules(ZLIB REQUIRED IMPORTED_TARGET zlib)
    pkg_check_modules(CRYPT REQUIRED IMPORTED_TARGET libcrypt)
endif()
if(SALLYPORT_SERVER)
    pkg_check_modules(CRYPTO REQUIRED IMPORTED_TARGET libcrypto>=3)
    pkg_check_modules(SECCOMP REQUIRED IMPORTED_TARGET libseccomp)
endif()
if(SALLYPORT_CLIENT)
    pkg_check_modules(CURL REQUIRED IMPORTED_TARGET libcurl>=7.85)
    pkg_check_modules(EDIT REQUIRED IMPORTED_TARGET libedit)
    # The client judges certificates in a callback of OpenSSL, which other
    # builds of libcurl never call.
    if(NOT "ssl" IN_LIST CURL_STATIC_LIBRARIES)
        message(FATAL_ERROR "This libcurl doesn't use OpenSSL. On Debian and "
            "Ubuntu install libcurl4-openssl-dev; on others the libcurl that "
            "is built with OpenSSL. -DSALLYPORT_CLIENT=OFF builds the server "
            "without the client.")
    endif()
endif()
if(TESTS AND NOT SALLYPORT_CLIENT)
    message(FATAL_ERROR "The tests need the client: add -DTESTS=OFF.")
endif()
