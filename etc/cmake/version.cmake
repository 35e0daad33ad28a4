# The version of this tree, by etc/version. Only files that name SALLYPORT_VERSION
# depend on it, so a commit compiles these again and nothing else.
execute_process(COMMAND ${PROJECT_SOURCE_DIR}/etc/version
    OUTPUT_VARIABLE version OUTPUT_STRIP_TRAILING_WHITESPACE COMMAND_ERROR_IS_FATAL ANY)
execute_process(COMMAND git rev-parse --git-path logs/HEAD
    WORKING_DIRECTORY ${PROJECT_SOURCE_DIR} OUTPUT_VARIABLE commits
    OUTPUT_STRIP_TRAILING_WHITESPACE ERROR_QUIET)
cmake_path(ABSOLUTE_PATH commits BASE_DIRECTORY ${PROJECT_SOURCE_DIR})
if(IS_DIRECTORY ${PROJECT_SOURCE_DIR}/.git OR EXISTS ${commits})
    set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${commits})
endif()
function(know_version)
    foreach(file ${ARGN})
        file(STRINGS ${file} uses LIMIT_COUNT 1 REGEX SALLYPORT_VERSION)
        if(uses)
            set_property(SOURCE ${file} APPEND PROPERTY COMPILE_DEFINITIONS
                SALLYPORT_VERSION="${version}")
        endif()
    endforeach()
endfunction()
file(GLOB_RECURSE sources ${PROJECT_SOURCE_DIR}/src/*.c)
know_version(${sources})
