# Makes a test of CTest of each row of tests/table that tests this kind of build.
# The tests run as the user who calls ctest; tests/run also tests other users.
#   ctest --preset release            all short rows
#   ctest --preset debug -R unit_     the rooms, with sanitizers
#   ctest --preset release -C Long    also the long rows of `tests/run --all`
# Rows that need root are skipped without it.
if(SANITIZE)
    set(kind debug)
else()
    set(kind release)
endif()
file(WRITE ${CMAKE_BINARY_DIR}/leaks.supp "leak:libcriterion\n")
set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS table)
file(STRINGS table rows REGEX "^[a-z]")
foreach(row ${rows})
    string(REPLACE "{build}" "${CMAKE_BINARY_DIR}" row "${row}")
    string(REPLACE "{source}" "${PROJECT_SOURCE_DIR}" row "${row}")
    separate_arguments(row UNIX_COMMAND "${row}")
    list(POP_FRONT row name builds users when seconds needs)
    if(builds MATCHES "^(release|debug)$" AND NOT builds STREQUAL kind)
        continue()
    endif()
    list(GET row -1 program)
    if(program MATCHES "/tests/(system/)?(unit|system)_[a-z_]+$")
        list(APPEND row --jobs 1 --verbose)
    endif()
    string(REGEX REPLACE ",.*" "" seconds ${seconds})
    math(EXPR limit "10 * ${seconds} + 120")
    set(only "")
    if(NOT when STREQUAL "short")
        set(only CONFIGURATIONS Long)
    endif()
    set(alone OFF)
    if(when STREQUAL "alone")
        set(alone ON)
    endif()
    if(users STREQUAL "root")
        # Without a semicolon, which would end an element of CMake's list.
        list(PREPEND row sh -c "[ $(id -u) = 0 ] && exec \"$@\" || exit 77"
            as_root)
    endif()
    add_test(NAME ${name} COMMAND ${row}
        WORKING_DIRECTORY ${PROJECT_SOURCE_DIR} ${only})
    set_tests_properties(${name} PROPERTIES COST ${seconds} TIMEOUT ${limit}
        RUN_SERIAL ${alone}
        LABELS ${when} SKIP_RETURN_CODE 77
        FAIL_REGULAR_EXPRESSION
        "ERROR: (Address|Leak)Sanitizer;runtime error:;DEADLYSIGNAL"
        ENVIRONMENT "SALLYPORT_BUILD=${CMAKE_BINARY_DIR};SALLYPORT_SOURCE=${PROJECT_SOURCE_DIR};ASAN_OPTIONS=abort_on_error=1:detect_leaks=1;UBSAN_OPTIONS=print_stacktrace=1:abort_on_error=1;LSAN_OPTIONS=suppressions=${CMAKE_BINARY_DIR}/leaks.supp:print_suppressions=0")
endforeach()
