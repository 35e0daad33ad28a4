# The program describe writes sallyport.conf(5) and the example of the configuration,
# from src/lib/settings/conf/table.c, to where they lie below the prefix:
# build/release/share/….
add_executable(describe src/lib/settings/conf/main.c)
target_link_libraries(describe PRIVATE conf_room)
set(settings_manual ${CMAKE_BINARY_DIR}/${CMAKE_INSTALL_MANDIR}/man5/sallyport.conf.5)
set(settings_example ${CMAKE_BINARY_DIR}/${CMAKE_INSTALL_DOCDIR}/sallyport.conf)
set(page ${PROJECT_SOURCE_DIR}/docs/man/sallyport.conf.5.in)
foreach(file ${settings_manual} ${settings_example})
    cmake_path(GET file PARENT_PATH directory)
    file(MAKE_DIRECTORY ${directory})
endforeach()
add_custom_command(OUTPUT ${settings_manual} ${settings_example}
    COMMAND ${CMAKE_COMMAND} -E env ASAN_OPTIONS=detect_leaks=0
        ${CMAKE_CROSSCOMPILING_EMULATOR} $<TARGET_FILE:describe>
        ${page} ${settings_manual} ${settings_example}
    DEPENDS describe ${page} COMMENT "Describing the settings")
add_custom_target(descriptions ALL DEPENDS ${settings_manual} ${settings_example})
add_dependencies(programs descriptions)
