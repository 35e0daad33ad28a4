/* The processes files of "partials", "inspect", "retention" and "del" don't
 * know the users' hashes. cases/partials.txt and cases/inspect.txt have the
 * rest. */
#include <stdarg.h>
#include <sys/resource.h>
#include <syslog.h>

#include "played.h"
#include "world.h"

/* Replaces libc's syslog(). The runs are forks, so the lines go into a file. */
__attribute__((format(printf, 1, 0))) static void take_line(const char *format,
                                                            va_list args)
{
    FILE *f = fopen(in_scratch("syslog"), "a");

    cr_assert_not_null(f);
    vfprintf(f, format, args);
    putc('\n', f);
    fclose(f);
}

__attribute__((format(printf, 2, 3))) void syslog(int priority,
                                                  const char *format, ...)
{
    va_list args;

    (void)priority;
    va_start(args, format);
    take_line(format, args);
    va_end(args);
}

/* The name of syslog() if _FORTIFY_SOURCE is defined. */
__attribute__((format(printf, 3, 4))) void
__syslog_chk(int priority, int flag, const char *format, ...);
void __syslog_chk(int priority, int flag, const char *format, ...)
{
    va_list args;

    (void)priority, (void)flag;
    va_start(args, format);
    take_line(format, args);
    va_end(args);
}

TestSuite(search, .init = world_make, .fini = scratch_remove);

#define RULES_BEFORE                                                           \
    "anna:!:70000:70000::/h/anna::retain=/:30d\n"                              \
    "bert:!:70001:70001::/h/bert::retain=/:1h\n"                               \
    "carl:!:70002:70002::/h/carl::retain=/:1h\n"                               \
    "dora:!:70003:70003::/h/dora::retain=/:1h\n"                               \
    "@share:docs:80000:/s/docs:retain=/:1h\n"                                  \
    "@share:gone:80001:/s/gone:retain=/:1h\n"

/* Each has the users file after a search of anna's home, and what is searched
 * then. */
static const struct {
    int code;
    const char *users, *asked;
} later[] = {
    { 0,
      "@share:docs:80000:/s/docs:retain=/:2h\n"
      "dora:!:70004:70004::/h/other::\n"
      "emil:!:70005:70005::/h/carl::\n"
      "bert:!:70001:70001::/h/bert::retain=/:30d\n"
      "anna:!:70000:70000::/h/anna::\n",
      "find what=FIND_EXPIRED remove=1 age=2592000 path=/ of=bert:70001:70001\n"
      "find what=FIND_ABANDONED remove=1 age=604800 path=/ of=bert:70001:70001"
      "\n"
      "find what=FIND_ABANDONED remove=1 age=604800 path=/ of=dora:70004:70004"
      "\n"
      "find what=FIND_EXPIRED remove=1 share=1 age=7200 path=/ "
      "of=docs:80000:80000\n"
      "find what=FIND_ABANDONED remove=1 share=1 age=604800 path=/ "
      "of=docs:80000:80000\n" },
    { EX_DATAERR, "bert:!\n", "" },
};
static size_t now_later;

static bool changes_rules(const struct files_start *start)
{
    (void)start;
    file_write(world.users, later[now_later].users);
    return true;
}

/* A run can take hours. Each home and each share is searched by the row that it
 * has when its turn comes. */
Test(search, retention_by_rules_that_change)
{
    static const char first[] =
        "find what=FIND_EXPIRED remove=1 age=2592000 path=/ of=anna:70000:70000"
        "\n"
        "find what=FIND_ABANDONED remove=1 age=604800 path=/ "
        "of=anna:70000:70000\n";
    char asked[2048];

    snprintf(asked, sizeof(asked), "users = %s\nhomes = /h\nshares = /s\n",
             world.users);
    file_write(world.conf, asked);
    setenv("ASKED", in_scratch("asked"), 1);
    played_enter = changes_rules;
    played_files("ON find -> partials_end\n");
    for (now_later = 0; now_later < 2; now_later++) {
        file_write(world.users, RULES_BEFORE);
        file_write(in_scratch("asked"), "");
        expect_out(later[now_later].code, "", "retention run",
                   "0 removed, 0 bytes; ");
        snprintf(asked, sizeof(asked), "%s%s", first, later[now_later].asked);
        cr_expect_str_eq(file_text(in_scratch("asked")), asked);
    }
}

#ifndef __SANITIZE_ADDRESS__ /* it has copies of freed memory, and more pages  \
                              */
#define HASH  "$y$j9T$0123456789ab"
#define USERS 5000

/* Is a hash in the memory that this process can write to? A hash is HASH and a
 * digit; the texts of this program have none. */
static bool has_hash(void)
{
    FILE *maps = fopen("/proc/self/maps", "re");
    const size_t len = strlen(HASH);
    char *from, *to, mode[5];
    bool found = false;

    while (fscanf(maps, "%p-%p %4s%*[^\n]", (void **)&from, (void **)&to,
                  mode) == 3)
        for (char *at = from; strncmp(mode, "rw", 2) == 0 && at;
             at = at ? at + 1 : NULL) {
            at = memmem(at, (size_t)(to - at), HASH, len);
            found |= at && at + len < to && at[len] >= '0' && at[len] <= '9';
        }
    fclose(maps);
    return found;
}

/* The process has no hash, and has copied no page of the users for that. */
static bool knows_no_users(const struct files_start *start)
{
    struct rusage used;

    (void)start;
    getrusage(RUSAGE_SELF, &used);
    FILE *f = fopen(in_scratch("has"), "a");
    fprintf(f, "%s %s\n", has_hash() ? "a hash" : "no hash",
            used.ru_minflt < USERS * 60 / 4096 ? "few" : "many");
    fclose(f);
    return true;
}

/* A user could find another user's hash in the memory of the process that works
 * beneath the user's home. */
Test(search, knows_no_hash)
{
    static const char *const words[] = { "partials list u70000",
                                         "inspect list u70000",
                                         "user del u70000" };
    char line[1024];

    snprintf(line, sizeof(line),
             "mkdir -m 711 %s; mkdir -m 700 %s/u70000; "
             "seq 70000 %d | sed 's#.*#u&:" HASH "&ABCD.$%043d:&:&::%s/u&::#' "
             ">%s",
             world.homes, world.homes, 70000 + USERS, 0, world.homes,
             world.users);
    cr_assert_eq(system(line), 0);
    if (geteuid() == 0)
        cr_assert_eq(chown(in(world.homes, "u70000"), 70000, 70000), 0);
    played_enter = knows_no_users;
    played_files("ON -> partials_end\n");
    for (size_t i = 0; i < 3; i++) {
        expect_run(0, "", words[i]);
        cr_expect_str_eq(file_text(in_scratch("has")), "no hash few\n",
                         "%s: %s", words[i], file_text(in_scratch("has")));
        file_write(in_scratch("has"), "");
    }
}
#endif
