/* The users file as it changes: what becomes a new generation, what is told,
 * and what stays. */
#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "master/sessions/userdb.h"
#include "sallyport/base/fd.h"

#define HASH                                                                   \
    "$6$rounds=1000$sallyport$"                                                \
    "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"         \
    "aaaaaaaaaaaaaaaaaaaaaa"
#define ANNA "anna:" HASH ":70000:70000::/a::\n"
#define BERT "bert:" HASH ":70000:70000::/b::\n"

static char folder[] = "/tmp/sallyport-users-XXXXXX";
static char path[64], made[64];
static struct userdb db;

static void put(const char *where, const char *text, mode_t mode)
{
    FILE *f = fopen(where, "w");

    cr_assert(f && fputs(text, f) >= 0 && fchmod(fileno(f), mode) == 0);
    fclose(f);
}

static void replace(const char *text)
{
    put(made, text, 0600);
    cr_assert_eq(rename(made, path), 0);
}

static void set_up(void)
{
    struct complaint c = { "" };

    cr_assert(mkdtemp(folder));
    snprintf(path, sizeof(path), "%s/users", folder);
    snprintf(made, sizeof(made), "%s/new", folder);
    replace(ANNA);
    userdb_init(&db, path);
    cr_assert_eq(userdb_look(&db, &c), 1, "%s", c.text);
    cr_assert_eq(userdb_newest(&db), 1);
}

static void tear_down(void)
{
    userdb_release(&db);
    unlink(path);
    rmdir(folder);
}

TestSuite(userdb, .init = set_up, .fini = tear_down);

static int look(void)
{
    struct complaint c = { "" };

    return userdb_look(&db, &c);
}

static const char *first_name(void)
{
    const struct users *u = userdb_find(&db, userdb_newest(&db));

    return u && u->count > 0 ? u->row[0].name : "";
}

Test(userdb, unchanged)
{
    for (int i = 0; i < 10; i++)
        cr_assert_eq(look(), 0);
    replace(ANNA); /* another file, the same bytes */
    cr_assert_eq(look(), 0);
    cr_assert_eq(userdb_newest(&db), 1);
}

Test(userdb, replaced)
{
    replace(BERT);
    cr_assert_eq(look(), 1);
    cr_assert_eq(userdb_newest(&db), 2);
    cr_assert_str_eq(first_name(), "bert");
}

/* In place, the same size, within one tick of the clock: nothing but the bytes
 * tells. */
Test(userdb, overwritten)
{
    struct timespec times[2] = { { 0, UTIME_NOW }, { 0, UTIME_NOW } };

    put(path, BERT, 0600);
    cr_assert_eq(utimensat(AT_FDCWD, path, times, 0), 0);
    cr_assert_eq(look(), 1);
    cr_assert_str_eq(first_name(), "bert");
    put(path, ANNA, 0600);
    cr_assert_eq(look(), 1);
    cr_assert_str_eq(first_name(), "anna");
}

/* What auth gets is the very text, sealed. */
Test(userdb, sealed)
{
    struct buf text;

    buf_init(&text, 4096);
    cr_assert_eq(fd_read_file(db.fd, &text), 0);
    cr_assert(slice_equal(buf_slice(&text), SLICE(ANNA)));
    buf_release(&text);
    cr_assert_eq(write(db.fd, "x", 1), -1);
    cr_assert_eq(ftruncate(db.fd, 0), -1);
}

static void broken(void)
{
    replace("x\n");
}

static void twice(void)
{
    replace(ANNA ANNA);
}

static void open_to_all(void)
{
    chmod(path, 0644);
}

static void missing(void)
{
    unlink(path);
}

static void fifo(void)
{
    unlink(path);
    cr_assert_eq(mkfifo(path, 0600), 0);
}

static void a_folder(void)
{
    unlink(path);
    cr_assert_eq(mkdir(path, 0700), 0);
}

static const struct {
    void (*spoil)(void);
    const char *words;
} spoilt[] = {
    { broken, "users:1: " },   { twice, "users:2: " },
    { open_to_all, "chmod" },  { missing, "No such file" },
    { fifo, "not a regular" }, { a_folder, "not a regular" },
};

/* Told once; the old ones stay; the next good file counts. */
Test(userdb, spoilt)
{
    for (size_t i = 0; i < sizeof(spoilt) / sizeof(spoilt[0]); i++) {
        struct complaint c = { "" };

        spoilt[i].spoil();
        cr_assert_eq(userdb_look(&db, &c), -EINVAL, "row %zu", i);
        cr_assert(strstr(c.text, spoilt[i].words), "%s", c.text);
        cr_assert_eq(look(), 0, "row %zu: told twice", i);
        cr_assert_str_eq(first_name(), i % 2 ? "bert" : "anna");
        remove(path);
        replace(i % 2 ? ANNA : BERT);
        cr_assert_eq(look(), 1, "row %zu", i);
    }
}

/* Changed long ago, so that its bytes aren't compared for its age alone. */
static void replace_old(const char *text)
{
    const struct timespec times[2] = { { 1000000000, 0 }, { 1000000000, 0 } };

    put(made, text, 0600);
    cr_assert_eq(utimensat(AT_FDCWD, made, times, 0), 0);
    cr_assert_eq(rename(made, path), 0);
}

static int lowest_free(void)
{
    int fd = dup(0);

    close(fd);
    return fd;
}

/* A change that can't be read for want of descriptors isn't one that was seen:
 * the first failure is told, each is an error, and the next look reads it. */
Test(userdb, want_of_descriptors)
{
    for (int left = 0; left <= 1; left++) { /* none; none for the memfd */
        struct complaint c = { "" }, again = { "" };
        struct rlimit was, low;

        replace_old(left ? ANNA : BERT);
        cr_assert_eq(getrlimit(RLIMIT_NOFILE, &was), 0);
        low = (struct rlimit){ (rlim_t)(lowest_free() + left), was.rlim_max };
        cr_assert_eq(setrlimit(RLIMIT_NOFILE, &low), 0);
        cr_expect_eq(userdb_look(&db, &c), -EMFILE);
        cr_expect_eq(userdb_look(&db, &again), -EMFILE);
        cr_assert_eq(setrlimit(RLIMIT_NOFILE, &was), 0);
        cr_assert(strstr(c.text, "Too many open files"), "%s", c.text);
        cr_assert_str_empty(again.text);
        cr_assert_eq(look(), 1, "the change is forgotten");
        cr_assert_str_eq(first_name(), left ? "anna" : "bert");
        cr_assert_eq(look(), 0);
    }
}

/* Old ones stay as long as they are needed, the newest always, and never more
 * than a few. */
Test(userdb, generations)
{
    for (uint64_t g = 2; g <= 5; g++) {
        replace(g % 2 ? ANNA : BERT);
        cr_assert_eq(look(), 1);
    }
    cr_assert(userdb_find(&db, 1) && userdb_find(&db, 5));
    userdb_drop(&db, 4);
    cr_assert(!userdb_find(&db, 3) && userdb_find(&db, 4));
    cr_assert_str_eq(userdb_find(&db, 4)->row[0].name, "bert");
    userdb_drop(&db, 100);
    cr_assert(!userdb_find(&db, 4) && userdb_find(&db, 5));
    for (uint64_t g = 6; g <= 5 + USERDB_KEPT; g++) {
        replace(g % 2 ? ANNA : BERT);
        cr_assert_eq(look(), 1);
    }
    cr_assert_eq(db.count, USERDB_KEPT);
    cr_assert(!userdb_find(&db, 5) && userdb_find(&db, 6));
    cr_assert_eq(userdb_newest(&db), 5 + USERDB_KEPT);
}
