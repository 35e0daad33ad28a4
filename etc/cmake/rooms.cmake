# room(DIRECTORY [PARTS part…] [USES word…] [SEES word…] [LIBRARIES target…]):
# src/DIRECTORY, with its sub-rooms, as a static library; without sources it is an
# interface. The room's name is the last component, and NAME_directory is where it
# is. A room's own library (OpenSSL, libcrypt, …) stays private to it; only the
# link line passes it on. A room isn't built if no program of this build needs it.
function(room directory)
    cmake_parse_arguments(ROOM "" "" "PARTS;USES;SEES;LIBRARIES" ${ARGN})
    get_filename_component(name ${directory} NAME)
    set(directory ${PROJECT_SOURCE_DIR}/src/${directory})
    set(${name}_directory ${directory} PARENT_SCOPE)
    foreach(library ${ROOM_LIBRARIES})
        if(NOT TARGET ${library}) # of the server or the client, which is OFF
            return()
        endif()
    endforeach()
    list(REMOVE_ITEM ROOM_PARTS .)
    list(TRANSFORM ROOM_PARTS REPLACE "(.+)" "${directory}/\\1/*.c")
    file(GLOB sources CONFIGURE_DEPENDS ${directory}/*.c ${ROOM_PARTS})
    list(REMOVE_ITEM sources ${directory}/main.c)
    # The policies of all processes: only the build and tests need them.
    if(name STREQUAL "seccomp")
        file(GLOB_RECURSE policies CONFIGURE_DEPENDS
            ${PROJECT_SOURCE_DIR}/src/seccomp*.c)
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
    if(ROOM_PARTS) # "start/x.h" and, in a sub-room, "x.h" of the room
        target_compile_options(${name}_room PRIVATE
            "SHELL:-iquote \"${directory}\"")
    endif()
    set(uses ${ROOM_USES})
    if(NOT name MATCHES "^(base|domain)$")
        list(APPEND uses domain) # every room may use its words
    endif()
    list(TRANSFORM uses REPLACE "/.*" "") # the room of a single header
    list(TRANSFORM uses APPEND _room)
    target_link_libraries(${name}_room ${visibility} ${uses} ${ROOM_LIBRARIES})
endfunction()

# The target, a test, may include the private headers of a room, as "x.h" and as
# "ROOM/x.h".
function(private_headers target room)
    get_filename_component(above ${${room}_directory} DIRECTORY)
    target_compile_options(${target} PRIVATE
        "SHELL:-iquote \"${${room}_directory}\"" "SHELL:-iquote \"${above}\"")
endfunction()

# program(NAME ROOM room DESTINATION directory): the room, and the main.c in its
# directory. The target "programs" builds them all.
add_custom_target(programs)
function(program name)
    cmake_parse_arguments(PROGRAM "" "ROOM;DESTINATION" "" ${ARGN})
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
    set(directory ${${PROGRAM_ROOM}_directory})
    add_executable(program_${name} ${directory}/main.c)
    target_link_libraries(program_${name} PRIVATE ${PROGRAM_ROOM}_room)
    target_compile_options(program_${name} PRIVATE "SHELL:-iquote \"${directory}\"")
    set_target_properties(program_${name} PROPERTIES OUTPUT_NAME ${name}
        RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/${PROGRAM_DESTINATION})
    add_dependencies(programs program_${name})
    install(TARGETS program_${name} DESTINATION ${PROGRAM_DESTINATION}
        COMPONENT ${component})
endfunction()

# Where the supervisor finds master: relative to its own directory.
file(RELATIVE_PATH master /${CMAKE_INSTALL_SBINDIR}
    /${CMAKE_INSTALL_LIBEXECDIR}/sallyport/master)
set_source_files_properties(${PROJECT_SOURCE_DIR}/src/server/supervisor/main.c
    PROPERTIES COMPILE_DEFINITIONS SALLYPORT_MASTER="${master}")
# And sallyportctl the script of its report, also in the directory of the build.
set(report ${CMAKE_INSTALL_LIBEXECDIR}/sallyport/report)
file(RELATIVE_PATH report_beside /${CMAKE_INSTALL_SBINDIR} /${report})
configure_file(${PROJECT_SOURCE_DIR}/etc/report ${CMAKE_BINARY_DIR}/${report}
    COPYONLY)
configure_file(${PROJECT_SOURCE_DIR}/etc/report.html
    ${CMAKE_BINARY_DIR}/${CMAKE_INSTALL_DATADIR}/sallyport/report.html COPYONLY)
set_source_files_properties(${PROJECT_SOURCE_DIR}/src/ctl/log/report.c
    PROPERTIES COMPILE_DEFINITIONS SALLYPORT_REPORT="${report_beside}")
# And the text of its letters.
file(RELATIVE_PATH letter_beside /${CMAKE_INSTALL_SBINDIR}
    /${CMAKE_INSTALL_DATADIR}/sallyport/letter.txt)
configure_file(${PROJECT_SOURCE_DIR}/etc/letter.txt
    ${CMAKE_BINARY_DIR}/${CMAKE_INSTALL_DATADIR}/sallyport/letter.txt COPYONLY)
set_source_files_properties(${PROJECT_SOURCE_DIR}/src/ctl/users/letter.c
    PROPERTIES COMPILE_DEFINITIONS SALLYPORT_LETTER="${letter_beside}")
# And its converters of users, each with what they share at its end.
set(import ${CMAKE_BINARY_DIR}/${CMAKE_INSTALL_DATADIR}/sallyport/import)
file(READ ${PROJECT_SOURCE_DIR}/etc/import/rows.awk shared)
foreach(name rows.awk ldif name-hash passwd proftpd pure-pw)
    set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS
        ${PROJECT_SOURCE_DIR}/etc/import/${name})
    if(NOT name STREQUAL "rows.awk")
        file(READ ${PROJECT_SOURCE_DIR}/etc/import/${name} own)
        file(WRITE ${import}/${name} "${own}\n${shared}")
    endif()
endforeach()
