# Makes tests of CTest of tests/table: NAME.KIND.USER for each build and user of a
# row; ctest schedules them, the longest ones first, and tests/row runs each.
#   ctest --preset debug -R unit_ftp   one room, with sanitizers
#   ctest --preset release             all short rows of the release build
#   ctest --preset all                 all rows of both builds
# Root's tests of an ordinary user run under a uid without an account.
if(COVERAGE)
    set(kind coverage)
elseif(SANITIZE)
    set(kind debug)
else()
    set(kind release)
endif()
set(kinds ${kind})
if(kind STREQUAL "release")
    list(APPEND kinds debug) # built by a fixture
endif()
execute_process(COMMAND id -u OUTPUT_VARIABLE euid OUTPUT_STRIP_TRAILING_WHITESPACE)

# Is a row with these columns tested with this build by this user? WANTED is
# short, long (only by a run of all tests) or empty.
function(is_wanted builds users build user)
    set(wanted short)
    if(builds STREQUAL "${build}+" OR builds STREQUAL "both"
            OR builds STREQUAL build OR build STREQUAL "coverage")
    elseif(builds MATCHES "\\+$")
        set(wanted long)
    else()
        set(wanted "")
    endif()
    if(NOT euid EQUAL 0)
        if(user STREQUAL "root" OR users STREQUAL "root")
            set(wanted "")
        endif()
    elseif(users STREQUAL "each")
        if(user STREQUAL "root" AND build STREQUAL "debug" AND wanted)
            set(wanted long)
        endif()
    elseif(users STREQUAL "both")
        if(wanted AND NOT "${build}-${user}" MATCHES
                "^(release-root|debug-user|coverage-root)$")
            set(wanted long)
        endif()
    elseif(NOT users STREQUAL user)
        set(wanted "")
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
    string(REPLACE "," ";" seconds ${seconds})
    if("$ENV{SALLYPORT_LONG}" STREQUAL "1")
        list(GET seconds -1 cost)
    else()
        list(GET seconds 0 cost)
    endif()
    foreach(build ${kinds})
        foreach(user root user)
            is_wanted(${builds} ${users} ${build} ${user})
            if(NOT wanted)
                continue()
            endif()
            set(only "")
            if(wanted STREQUAL "long" OR NOT when STREQUAL "short")
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
                LABELS "${when};${build};${user}" FIXTURES_REQUIRED "${fixtures}")
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
