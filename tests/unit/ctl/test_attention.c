/* "status", about disks and numbers that the test pretends.
 * cases/attention.txt has the rest. */
#include <sys/statvfs.h>

#include "ctl/ctl.h"
#include "played.h"
#include "world.h"

static void attention_begin(void)
{
    world_make();
    played_server("ON -> ROW all state=running -> end\n");
}

TestSuite(attention, .init = attention_begin, .fini = scratch_remove);

/* Returns the array of "status --json" as lines "LEVEL TEXT". */
static const char *attention(void)
{
    static char out[2 * COMPLAINT_MAX];
    const json_t *one;
    json_t *all;
    size_t i, len = 0;

    all = json_loads(expect_run(0, "", "status --json")->out, 0, NULL);
    out[0] = '\0';
    json_array_foreach(json_object_get(all, "attention"), i, one)
    {
        len += (size_t)snprintf(out + len, sizeof(out) - len, "%s %s\n",
                                text_of(one, "level", "?"),
                                text_of(one, "text", "?"));
    }
    json_decref(all);
    return out;
}

static const char *hanging; /* the path whose disk hangs */
static struct statvfs pretended = {
    .f_blocks = 100, .f_bfree = 50, .f_bavail = 50, .f_frsize = 4096
};

/* Replaces libc's statvfs(). On a disk that hangs only SIGKILL ends it, as in
 * the kernel. */
int statvfs(const char *path, struct statvfs *ret)
{
    sigset_t all;

    sigfillset(&all);
    if (hanging && strcmp(path, hanging) == 0 &&
        sigprocmask(SIG_BLOCK, &all, NULL) == 0)
        for (;;)
            pause();
    *ret = pretended;
    return access(path, F_OK);
}

Test(attention, a_disk_that_hangs, .timeout = 30)
{
    cr_assert_eq(mkdir(world.homes, 0700), 0);
    hanging = world.homes;
    cr_expect_not_null(strstr(attention(), "homes: the disk hangs\n"));
}

#define BLOCK  4096
#define BLOCKS 1000000

Test(attention, disks)
{
    static const struct {
        uint64_t left, files;
        const char *min_free, *text;
    } rows[] = {
        { BLOCKS / 2, 9, "0", "" },
        { BLOCKS / 100 * 11, 9, "0", "" },
        { BLOCKS / 10, 9, "0", "warning {}: the disk is 90 % full\n" },
        { 0, 9, "0", "critical {}: the disk is full, so uploads fail\n" },
        { BLOCKS / 2, 0, "0",
          "critical {}: the disk has no free inode for another file\n" },
        { BLOCKS / 2, 9, "60%",
          "critical {}: less than min_free is left on the disk, so uploads "
          "fail\n" },
        { BLOCKS / 2, 9, "1G", "" },
    };
    char plain[4096];

    cr_assert_eq(mkdir(world.homes, 0700), 0);
    file_write(world.users, "");
    snprintf(plain, sizeof(plain), "%s", file_text(world.conf));
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        const char *rest = strstr(rows[i].text, "{}");
        char expected[512] = "";

        pretended = (struct statvfs){ .f_blocks = BLOCKS,
                                      .f_bfree = rows[i].left,
                                      .f_bavail = rows[i].left,
                                      .f_frsize = BLOCK,
                                      .f_files = 10,
                                      .f_favail = rows[i].files };
        file_write(world.conf, plain);
        world_configure("min_free = %s\n", rows[i].min_free);
        if (rest)
            snprintf(expected, sizeof(expected), "%.*s%s%s",
                     (int)(rest - rows[i].text), rows[i].text, world.homes,
                     rest + 2);
        const char *text = attention();
        cr_expect(expected[0] ? strncmp(text, expected, strlen(expected)) == 0
                              : text[0] == '\0',
                  "%zu: %s", i, text);
        cr_expect_eq(strstr(text, "/users: the disk is full, so changes of "
                                  "users can fail\n") != NULL,
                     rows[i].left == 0, "%s", text);
    }
}

static const char *passwd = "", *group = ""; /* the system's files */

/* Replaces libc's fopen(), which opens all other files. */
FILE *fopen(const char *path, const char *mode)
{
    const char *text = strcmp(path, "/etc/passwd") == 0  ? passwd
                       : strcmp(path, "/etc/group") == 0 ? group
                                                         : NULL;

    return text ? fmemopen((char *)(uintptr_t)text, strlen(text) + 1, "r")
                : fopen64(path, mode);
}

/* The numbers of users that are also the system's. */
Test(attention, numbers_of_the_system)
{
    static const struct {
        const char *passwd, *group, *text;
    } rows[] = {
        { "a:x:1000:1000::/:\n", "g:x:1000:\n", "" },
        { "a:x:70009:1::/:\n", "g:x:70009:\n", "" },
        { "b:x:1:1::/:\na:x:70001:1::/:\n", "",
          "critical user anna: uid 70001 is also the system's; " },
        { "a:x:70001:1::/:\n", "g:x:70002:\n", /* the first one of several */
          "critical user anna: uid 70001 is also the system's; " },
        { "", "g:x:70001:\n",
          "critical user anna: gid 70001 is also the system's; " },
        { "", "s:x:80000:\n", "" }, /* of a share: permitted */
    };
    char expected[512];

    file_write(world.users, "@share:a:80000:/a:\nanna:!:70001:70001::/h::\n"
                            "carl:!:70002:70002::/i::\n"
                            "a mistake\nbert:!:500:500::/h::\n");
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        passwd = rows[i].passwd;
        group = rows[i].group;
        snprintf(expected, sizeof(expected), "%s%s", rows[i].text,
                 rows[i].text[0] ? world_command("check\n") : "");
        cr_expect_str_eq(attention(), expected);
    }
}
