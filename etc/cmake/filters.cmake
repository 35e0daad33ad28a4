# The program policies compiles the seccomp filter of each process, from
# seccomp*.c in its directory, as C. A program of the server links only its own
# ones.
add_executable(policies ${seccomp_directory}/main.c)
target_link_libraries(policies PRIVATE seccomp_room)
set(filters_directory ${CMAKE_BINARY_DIR}/filters)
file(MAKE_DIRECTORY ${filters_directory})
set(filters "")
foreach(name master gate session auth keys files log
        reader check)
    list(APPEND filters ${filters_directory}/filter_${name}.c)
endforeach()
add_custom_command(OUTPUT ${filters}
    COMMAND ${CMAKE_COMMAND} -E env ASAN_OPTIONS=detect_leaks=0
        ${CMAKE_CROSSCOMPILING_EMULATOR} $<TARGET_FILE:policies>
        ${filters_directory}
    DEPENDS policies COMMENT "Compiling seccomp filters")
add_library(filters STATIC ${filters})
target_compile_options(filters PRIVATE "SHELL:-include linux/filter.h"
    "SHELL:-include sallyport/sandbox/filters.h")
target_link_libraries(sandbox_room INTERFACE filters)
