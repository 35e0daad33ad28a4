/* A hardening flag without a trace in the programs protects nothing: readelf
 * must show the mark of each one that the build requests. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const programs[] = { "bin/sallyport",
                                        "sbin/sallyportd",
                                        "sbin/sallyportctl",
                                        "libexec/sallyport/gate",
                                        "libexec/sallyport/auth",
                                        "libexec/sallyport/keys",
                                        "libexec/sallyport/log",
                                        "libexec/sallyport/lookup",
                                        "libexec/sallyport/master",
                                        "libexec/sallyport/reader",
                                        "libexec/sallyport/check",
                                        "libexec/sallyport/check" };

static const struct {
    const char *flag; /* in etc/cmake/flags.cmake */
    const char *mark; /* in readelf's output */
    const char *none;
} marks[] = {
    { "-pie", "DYN (Position-Independent Executable file)", NULL },
    { "-z,relro", "GNU_RELRO", NULL },
    { "-z,now", "BIND_NOW", NULL },
    { "-z,noexecstack", "GNU_STACK", "RWE" },
    { "-fstack-protector-strong", "__stack_chk_fail", NULL },
    { "-fcf-protection", "IBT, SHSTK", NULL },
};

/* Reads all of it into memory that the caller frees. */
static char *read_all(FILE *f)
{
    char *text = NULL;
    size_t len = 0, size = 0;

    cr_assert(f);
    do {
        size += 64 * 1024;
        text = realloc(text, size);
        cr_assert(text);
        len += fread(text + len, 1, size - len - 1, f);
    } while (len == size - 1);
    text[len] = '\0';
    return text;
}

static char *flags_asked(void)
{
    FILE *f = fopen(SOURCE_DIR "/etc/cmake/flags.cmake", "re");
    char *text = read_all(f);

    fclose(f);
    for (char *at = text; (at = strchr(at, '#'));) /* comments don't count */
        while (*at && *at != '\n')
            *at++ = ' ';
    return text;
}

static char *elf_of(const char *program)
{
    char command[1024];
    FILE *f;
    char *text;

    snprintf(command, sizeof(command),
             "readelf --wide --file-header --segments --dynamic --notes "
             "--dyn-syms '%s/%s'",
             BUILD_DIR, program);
    f = popen(command, "re");
    text = read_all(f);
    cr_assert_eq(pclose(f), 0, "%s", command);
    return text;
}

Test(hardening, flags_leave_their_marks)
{
    char *flags = flags_asked();

    for (size_t i = 0; i < sizeof(programs) / sizeof(*programs); i++) {
        char *elf = elf_of(programs[i]);

        for (size_t j = 0; j < sizeof(marks) / sizeof(*marks); j++) {
            if (!strstr(flags, marks[j].flag))
                continue;
            cr_expect(strstr(elf, marks[j].mark), "%s: %s left no \"%s\"",
                      programs[i], marks[j].flag, marks[j].mark);
            cr_expect(!marks[j].none || !strstr(elf, marks[j].none),
                      "%s: %s left \"%s\"", programs[i], marks[j].flag,
                      marks[j].none);
        }
        free(elf);
    }
    free(flags);
}

/* Only an administrator may decide to load a kernel module. */
Test(hardening, installation_loads_no_module)
{
    FILE *f = fopen(SOURCE_DIR "/etc/cmake/install.cmake", "re");
    char *text = read_all(f);

    fclose(f);
    cr_expect(!strstr(text, "modules-load"));
    free(text);
}
