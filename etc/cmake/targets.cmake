# Targets for developers and CI: format, format-check, tidy, report.
file(GLOB_RECURSE all_sources CONFIGURE_DEPENDS
    ${PROJECT_SOURCE_DIR}/src/*.c ${PROJECT_SOURCE_DIR}/src/*.h
    ${PROJECT_SOURCE_DIR}/include/*.h ${PROJECT_SOURCE_DIR}/tests/*.c
    ${PROJECT_SOURCE_DIR}/tests/*.h)
file(GLOB_RECURSE tidy_sources CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/src/*.c)
add_custom_target(format COMMAND clang-format -i ${all_sources})
add_custom_target(format-check
    COMMAND clang-format --dry-run -Werror ${all_sources})
add_custom_target(tidy
    COMMAND clang-tidy -p ${CMAKE_BINARY_DIR} --quiet ${tidy_sources})

include(etc/cmake/install.cmake)
add_custom_target(report
    COMMAND awk -f ${PROJECT_SOURCE_DIR}/etc/cmake/report.awk ${tidy_sources})
