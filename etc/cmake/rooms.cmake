# room(NAME [USES room…] [LIBRARIES target…]): src/NAME, with the sub-rooms in
# its directories, as a static library. Without sources it is an interface. A
# room's own library (OpenSSL, libcrypt, …) stays private to it; only the link
# line passes it on. A room isn't built if no program of this build needs it.
function(room name)
    cmake_parse_arguments(ROOM "" "" "USES;LIBRARIES" ${ARGN})
    foreach(library ${ROOM_LIBRARIES})
        if(NOT TARGET ${library}) # of the server or the client, which is OFF
            return()
        endif()
    endforeach()
    file(GLOB sources CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/src/${name}/*.c
        ${PROJECT_SOURCE_DIR}/src/${name}/*/*.c)
    list(REMOVE_ITEM sources ${PROJECT_SOURCE_DIR}/src/${name}/main.c)
    # The policies of all processes: only the build and tests need them.
    if(name STREQUAL "seccomp")
        file(GLOB policies CONFIGURE_DEPENDS
            ${PROJECT_SOURCE_DIR}/src/*/seccomp*.c)
        list(APPEND sources ${policies})
    else()
        list(FILTER sources EXCLUDE REGEX "/seccomp[a-z_]*\\.c$")
    endif()
    if(name STREQUAL "sandbox")
        if(UNFILTERED)
            list(FILTER sources EXCLUDE REGEX "/filter\\.c$")
        else()
            list(FILTER sources EXCLUDE REGEX "/filter_off\\.c$")
        endif()
    endif()
    if(NOT sources)
        add_library(${name}_room INTERFACE)
        set(visibility INTERFACE)
    else()
        add_library(${name}_room STATIC EXCLUDE_FROM_ALL ${sources})
        # The policies of several processes have the same names.
        if(NOT name STREQUAL "seccomp")
            set_target_properties(${name}_room PROPERTIES
                UNITY_BUILD ${UNITY} UNITY_BUILD_BATCH_SIZE 8)
        endif()
        set(visibility PRIVATE)
    endif()
    if(sources MATCHES "/src/${name}/[a-z_]+/") # a sub-room: "start/x.h"
        target_include_directories(${name}_room PRIVATE
            ${PROJECT_SOURCE_DIR}/src/${name})
    endif()
    set(uses ${ROOM_USES})
    if(NOT name MATCHES "^(base|domain)$")
        list(APPEND uses domain) # every room may use its words
    endif()
    list(TRANSFORM uses APPEND _room)
    target_link_libraries(${name}_room ${visibility} ${uses} ${ROOM_LIBRARIES})
endfunction()

# program(NAME ROOM room DESTINATION directory): src/ROOM/main.c and the room. The
# target "programs" builds them all.
add_custom_target(programs)
function(program name)
    cmake_parse_arguments(PROGRAM "" "ROOM;DESTINATION" "" ${ARGN})
    set(main ${PROJECT_SOURCE_DIR}/src/${PROGRAM_ROOM}/main.c)
    if(PROGRAM_ROOM STREQUAL "client")
        set(wanted ${SALLYPORT_CLIENT})
        set(component client)
    else()
        set(wanted ${SALLYPORT_SERVER})
        set(component server)
    endif()
    if(NOT wanted)
        return()
    endif()
    add_executable(program_${name} ${main})
    target_link_libraries(program_${name} PRIVATE ${PROGRAM_ROOM}_room)
    target_include_directories(program_${name} PRIVATE
        ${PROJECT_SOURCE_DIR}/src/${PROGRAM_ROOM})
    set_target_properties(program_${name} PROPERTIES OUTPUT_NAME ${name}
        RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/${PROGRAM_DESTINATION})
    add_dependencies(programs program_${name})
    install(TARGETS program_${name} DESTINATION ${PROGRAM_DESTINATION}
        COMPONENT ${component})
endfunction()

# Where the supervisor finds master: relative to its own directory.
file(RELATIVE_PATH master /${CMAKE_INSTALL_SBINDIR}
    /${CMAKE_INSTALL_LIBEXECDIR}/sallyport/master)
set_source_files_properties(${PROJECT_SOURCE_DIR}/src/supervisor/main.c
    PROPERTIES COMPILE_DEFINITIONS SALLYPORT_MASTER="${master}")
# And sallyportctl its page, also in the directory of the build.
set(page ${CMAKE_INSTALL_DATADIR}/sallyport/report.html)
file(RELATIVE_PATH page_beside /${CMAKE_INSTALL_SBINDIR} /${page})
configure_file(${PROJECT_SOURCE_DIR}/etc/report.html ${CMAKE_BINARY_DIR}/${page}
    COPYONLY)
set_source_files_properties(${PROJECT_SOURCE_DIR}/src/ctl/report.c
    PROPERTIES COMPILE_DEFINITIONS SALLYPORT_PAGE="${page_beside}")
