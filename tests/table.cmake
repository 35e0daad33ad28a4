# Makes tests of CTest of tests/table: NAME.KIND.USER for each build and user of a
# row; ctest schedules them, the longest ones first, and tests/row runs each. The
# label says which command of tests/run runs a test: run, sanitizers, or long.
#   ctest --preset debug -R unit_ftp   one room, with sanitizers
#   ctest --preset release             all rows of tests/run
#   ctest --preset all                 all rows of both builds
# Root's tests of an ordinary user run under a uid without an account.
if(COVERAGE)
    set(kind coverage)
elseif(SANITIZE)
    set(kind debug)
elseif(NOT SALLYPORT_SERVER)
    set(kind client) # the rows that need no server: tests/run --wing client
else()
    set(kind release)
endif()
set(kinds ${kind})
if(kind STREQUAL "release")
    list(APPEND kinds debug) # built by a fixture
endif()
execute_process(COMMAND id -u OUTPUT_VARIABLE euid OUTPUT_STRIP_TRAILING_WHITESPACE)

# Sets "wanted" to the label of a row with these columns, this build and this user; to
# nothing if there is no such test.
function(is_wanted builds users when build user)
    set(label run)
    set(by root)
    if(build STREQUAL "debug")
        set(label sanitizers)
    endif()
    if(NOT euid EQUAL 0 OR (build STREQUAL "debug" AND users STREQUAL "both"))
        set(by user)
    endif()
    set(wanted "")
    if(build STREQUAL "client")
        if(user STREQUAL by)
            set(wanted client)
        endif()
    elseif(NOT (builds STREQUAL "both" OR builds STREQUAL build OR build STREQUAL "coverage")
            OR (users STREQUAL "root" AND (user STREQUAL "user" OR NOT euid EQUAL 0))
            OR (user STREQUAL "root" AND NOT euid EQUAL 0))
    elseif(user STREQUAL by AND (when STREQUAL "both" OR when STREQUAL label))
        set(wanted ${label})
    elseif(user STREQUAL by AND build STREQUAL "coverage" AND when STREQUAL "sanitizers")
        set(wanted run) # once is enough for the lines that it runs
    else()
        set(wanted long)
    endif()
    set(wanted "${wanted}" PARENT_SCOPE)
endfunction()

# FIXTURE NAME COMMAND…
function(fixture fixture name)
    add_test(NAME ${name} COMMAND ${ARGN} WORKING_DIRECTORY ${PROJECT_SOURCE_DIR})
    set_tests_properties(${name} PROPERTIES FIXTURES_SETUP ${fixture} COST 10000
        TIMEOUT 1800)
endfunction()
fixture(certificate certificate ${PROJECT_SOURCE_DIR}/tests/prepare certificate)
foreach(build ${kinds})
    fixture(readable_${build} readable.${build}
        ${PROJECT_SOURCE_DIR}/tests/prepare readable ${build})
endforeach()
if("debug" IN_LIST kinds AND NOT kind STREQUAL "debug")
    # The longest rows wait for it.
    fixture(debug_build build.debug
        ${PROJECT_SOURCE_DIR}/tests/prepare build debug)
    set_tests_properties(readable.debug PROPERTIES FIXTURES_REQUIRED debug_build)
endif()

set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS table)
file(STRINGS table rows REGEX "^[a-z]")
set(named "")
foreach(row ${rows})
    separate_arguments(row UNIX_COMMAND "${row}")
    list(POP_FRONT row name builds users when seconds needs packages)
    list(GET row -1 program)
    get_filename_component(program ${program} NAME)
    list(APPEND named ${program})
    if(kind STREQUAL "client" AND NOT (TARGET ${program} AND
            name MATCHES "^(unit_(base|client|domain|ftp)|client_faulty)$"))
        continue()
    endif()
    string(REPLACE "," ";" seconds ${seconds})
    if("$ENV{SALLYPORT_LONG}" STREQUAL "1")
        list(GET seconds -1 cost)
    else()
        list(GET seconds 0 cost)
    endif()
    foreach(build ${kinds})
        foreach(user root user)
            is_wanted(${builds} ${users} ${when} ${build} ${user})
            if(NOT wanted)
                continue()
            endif()
            set(only "")
            if(wanted STREQUAL "long")
                set(only CONFIGURATIONS Long)
            endif()
            set(fixtures certificate)
            if(user STREQUAL "user" AND euid EQUAL 0)
                list(APPEND fixtures readable_${build})
            endif()
            if(TEST build.debug AND build STREQUAL "debug")
                list(APPEND fixtures debug_build)
            endif()
            add_test(NAME ${name}.${build}.${user}
                COMMAND ${PROJECT_SOURCE_DIR}/tests/row ${name} ${build} ${user}
                    ${cost} ${needs} ${row}
                WORKING_DIRECTORY ${PROJECT_SOURCE_DIR} ${only})
            set_tests_properties(${name}.${build}.${user} PROPERTIES
                COST ${cost} TIMEOUT 7300 SKIP_RETURN_CODE 77
                LABELS "${wanted}" FIXTURES_REQUIRED "${fixtures}")
            # Some tests of unit_master have thousands of descriptors in flight, which
            # the kernel counts by uid: then no server of that uid can pass one. With
            # root each row has a uid of its own.
            if(NOT euid EQUAL 0 AND name STREQUAL "unit_master")
                set_tests_properties(${name}.${build}.${user} PROPERTIES RUN_SERIAL ON)
            endif()
            if(when STREQUAL "alone")
                set_tests_properties(${name}.${build}.${user} PROPERTIES
                    RUN_SERIAL ON COST 0)
            endif()
        endforeach()
    endforeach()
endforeach()

# A test program that no row names would never run.
file(GLOB programs RELATIVE ${CMAKE_CURRENT_SOURCE_DIR}/unit unit/*)
list(TRANSFORM programs PREPEND unit_)
file(GLOB sources RELATIVE ${CMAKE_CURRENT_SOURCE_DIR}/system system/test_*.c)
list(TRANSFORM sources REPLACE "test_(.*)\\.c" "system_\\1")
foreach(program ${programs} ${sources})
    if(NOT program IN_LIST named)
        message(FATAL_ERROR "tests/table has no row for ${program}")
    endif()
endforeach()
