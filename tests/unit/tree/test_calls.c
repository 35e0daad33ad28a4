/* Which calls belong to which room, which are banned, and how wide a line may
 * be. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "matrix.h"
#include "source_tree.h"

/* Calls that belong to one room, and banned calls. */
static const struct call {
    const char *name;
    const char *rooms; /* the rooms that may use it; "": none */
} calls[] = {
    { "SSL_read(", "tls client" },
    { "SSL_write(", "tls client" },
    { "crypt_r(", "hash" },
    { "setresuid(", "sandbox" },
    { "setresgid(", "sandbox" },
    { "chroot(", "sandbox" },
    { "accept4(", "gate master" },
    { "SYS_openat2", "files sandbox ctl" },
    { "SCM_RIGHTS", "ipc" },
    { "getpwnam(", "check" },
    { "gethostbyname2_r(", "lookup" },
    { "getaddrinfo(", "client" },
    { "execveat(", "master supervisor" },
    { "system(", "" },
    { "popen(", "" },
    { "strcpy(", "" },
    { "strcat(", "" },
    { "sprintf(", "" },
    { "vsprintf(", "" },
    { "gets(", "" },
    { "strtok(", "" },
    { "atoi(", "" },
    { "sscanf(", "" },
    { "alloca(", "" },
    { "localtime(", "" },
    { "localtime_r(", "" },
    { "ctime(", "" },
    { "rand(", "" },
    { "tmpnam(", "" },
    { "mktemp(", "" },
    { "TODO", "" },
    { "FIXME", "" },
    { "XXX", "" },
};
#define CALLS (sizeof(calls) / sizeof(calls[0]))

static bool is_identifier(char c)
{
    return c == '_' || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
           (c >= '0' && c <= '9');
}

static bool has_call(const char *line, const char *name)
{
    for (const char *at = line; (at = strstr(at, name)); at++)
        if (at == line || !is_identifier(at[-1]))
            return true;
    return false;
}

/* PATH is "src/ROOM/…". */
static void check_calls(const char *path, size_t number, const char *line)
{
    const char *room = strchr(path, '/') + 1;

    for (size_t i = 0; i < CALLS; i++)
        if (has_call(line, calls[i].name))
            cr_expect(matrix_has_word(calls[i].rooms, room, strcspn(room, "/")),
                      "%s:%zu: %s doesn't belong there", path, number,
                      calls[i].name);
}

static void check_file(void *owner, const char *path)
{
    FILE *f = source_tree_open(SOURCE_DIR, path);
    size_t *lines = owner, number = 0;
    char line[4096];

    while (fgets(line, sizeof(line), f)) {
        number++;
        check_calls(path, number, line);
        cr_expect(strcspn(line, "\n") <= 80, "%s:%zu: over 80 columns", path,
                  number);
    }
    fclose(f);
    *lines += number;
}

Test(calls, each_in_its_room)
{
    size_t lines = 0;

    source_tree_walk(SOURCE_DIR, "src", check_file, &lines);
    cr_assert_gt(lines, 10000);
}
