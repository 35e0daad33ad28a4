# Warnings, hardening, sanitizers: the flags of every object.
add_compile_definitions(_GNU_SOURCE)
include_directories(${PROJECT_SOURCE_DIR}/include)
add_compile_options(-Wall -Wextra -Wconversion -Wshadow -Wstrict-prototypes
    -Wmissing-prototypes -Wformat=2 -Wimplicit-fallthrough -Wvla -fno-common)
if(CMAKE_C_COMPILER_ID MATCHES Clang)
    # Like gcc, clang permits a row of a table to leave out its last fields.
    add_compile_options(-Wno-missing-field-initializers)
endif()
if(WERROR)
    add_compile_options(-Werror)
endif()
if(NOT CMAKE_BUILD_TYPE)
    set(CMAKE_BUILD_TYPE Release)
endif()

set(CMAKE_POSITION_INDEPENDENT_CODE ON)
# gcc 16 takes "-shared -pie" for a program.
add_link_options($<$<STREQUAL:$<TARGET_PROPERTY:TYPE>,EXECUTABLE>:-pie>
    -Wl,-z,relro,-z,now,-z,noexecstack -Wl,--as-needed)
# No -fcf-protection: Debian's start files and C library lack the mark of IBT
# and shadow stacks, so the linker drops it, and the kernel never sees it.
add_compile_options(-fstack-protector-strong -fstack-clash-protection)

if(SANITIZE OR COVERAGE) # their runtimes need calls that no policy permits
    set(UNFILTERED ON)
    add_compile_definitions(SALLYPORT_UNFILTERED)
endif()
if(SANITIZE)
    add_compile_options(-fsanitize=address,undefined
        -fno-sanitize-recover=all -fno-omit-frame-pointer)
    add_link_options(-fsanitize=address,undefined)
    if(CMAKE_C_COMPILER_ID STREQUAL "GNU")
        # Each process would load the shared runtimes and their libraries, and
        # search them for leaks when it ends: a tenth of the tests' time.
        add_link_options(-static-libasan -static-libubsan)
    endif()
elseif(NOT FUZZ_ENGINE AND NOT CMAKE_C_FLAGS MATCHES "_FORTIFY_SOURCE")
    # It needs an optimizing build. The flags of a distribution come first.
    add_compile_options(
        "$<$<CONFIG:Release,RelWithDebInfo,MinSizeRel,Check>:-U_FORTIFY_SOURCE;-D_FORTIFY_SOURCE=3>")
endif()
if(COVERAGE)
    # The counters are in a file that a program maps when it begins, so they are
    # kept if its process is killed. A child of a sandboxed master maps it, too:
    # no seccomp.
    add_compile_options(-fprofile-instr-generate -fcoverage-mapping
        "SHELL:-mllvm -runtime-counter-relocation")
    add_link_options(-fprofile-instr-generate)
endif()
