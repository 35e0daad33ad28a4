/* Uploads whose place is taken by others, or whose place they take: another
 * writer of the same name, a reader, a FIFO, a directory that is removed. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fault.h"
#include "support/files.h"
#include "support/run.h"
#include "support/server_log.h"

#define LEN  (600 * FAULT_KIB)
#define SENT (300 * FAULT_KIB)
#define OLD  (16 * FAULT_MIB)

static const struct server_user users[] = {
    { .name = "folder" }, { .name = "two" },    { .name = "one" },
    { .name = "fifo" },   { .name = "reader" },
};

SERVER_SHARED(.users = users, .user_count = sizeof(users) / sizeof(*users));

/* Somebody with a shell removes it with all its contents. */
Test(collisions, folder_removed, .timeout = 60)
{
    unsigned char *bytes = fault_noise(LEN);
    char path[SERVER_PATH_MAX];
    struct run_result r;
    struct server server;
    struct session s;
    struct data d;

    session_enter_shared(&s, &server, "folder");
    session_do(&s, "257 {*}", "MKD d");
    data_open(&s, &d, "STOR d/f");
    data_write(&d, bytes, SENT);
    snprintf(path, sizeof(path), "%s",
             server_home_file(&server, "folder", "d"));
    run(&r, NULL, "rm", "-r", path, NULL);
    cr_assert_eq(r.status, 0, "%s", r.text);
    run_release(&r);
    data_write(&d, bytes + SENT, LEN - SENT);
    data_close(&d);
    session_expect(&s, "550 {*}");
    session_do(&s, "257 {*}", "MKD d");
    fault_expect_absent(&server, "folder", "d/f");
    fault_retry(&s, &server, "folder", "d/f", bytes, LEN);
    fault_expect_event(&server, "folder", "d/f", 550, "not found");
    session_close(&s);
    free(bytes);
}

/* The second upload has a partial of its own. The file of the one that ends
 * last stays, and each is whole. */
Test(collisions, two_writers, .timeout = 60)
{
    unsigned char *one = fault_noise(LEN), *two = fault_noise(LEN + 1);
    struct session a, b;
    struct server server;
    struct data x, y;

    fault_begin_upload(&a, &server, "two", &x, one, SENT);
    session_enter_shared(&b, &server, "two");
    data_open(&b, &y, "STOR f");
    data_write(&y, two, SENT);
    cr_assert_eq(fault_count_partials(&server, "two"), 2);
    data_write(&y, two + SENT, LEN + 1 - SENT);
    data_close(&y);
    session_expect(&b, "226 {*}");
    fault_expect_whole(&server, "two", "f", two, LEN + 1);
    data_write(&x, one + SENT, LEN - SENT);
    data_close(&x);
    session_expect(&a, "226 {*}");
    fault_expect_whole(&server, "two", "f", one, LEN);
    cr_assert_eq(fault_count_partials(&server, "two"), 0);
    session_close(&a);
    session_close(&b);
    server_log_expect(&server, 2, "end ", " user=two ", NULL);
    server_log_expect(&server, 2, "transfer ", " user=two ", NULL);
    free(one);
    free(two);
}

/* The upload that is cut leaves nothing, and doesn't touch the other one's
 * file. */
Test(collisions, two_writers_of_whom_one_is_cut, .timeout = 60)
{
    unsigned char *one = fault_noise(LEN), *two = fault_noise(LEN + 1);
    struct session a, b;
    struct server server;
    struct data x, y;

    fault_begin_upload(&a, &server, "one", &x, one, SENT);
    session_enter_shared(&b, &server, "one");
    data_open(&b, &y, "STOR f");
    data_write(&y, two, SENT);
    data_cut(&y, false);
    session_expect(&b, "426 {*}");
    session_do(&b, "550 {*}", "MDTM none"); /* by now files has removed it */
    fault_expect_absent(&server, "one", "f");
    cr_assert_eq(fault_count_partials(&server, "one"), 1);
    data_write(&x, one + SENT, LEN - SENT);
    data_close(&x);
    session_expect(&a, "226 {*}");
    fault_expect_whole(&server, "one", "f", one, LEN);
    fault_expect_event(&server, "one", "f", 426, "reason=");
    fault_retry(&b, &server, "one", "f", two, LEN + 1);
    session_close(&a);
    session_close(&b);
    free(one);
    free(two);
}

/* The server doesn't wait for the other end of a FIFO. */
Test(collisions, fifo, .timeout = 60)
{
    unsigned char *bytes = fault_noise(LEN);
    struct server server;
    struct session s;
    struct data d;
    char path[SERVER_PATH_MAX];

    session_enter_shared(&s, &server, "fifo");
    snprintf(path, sizeof(path), "%s", server_home_file(&server, "fifo", "f"));
    cr_assert_eq(mkfifo(path, 0600), 0);
    files_give_to_owner_of(server_home(&server, "fifo"), path);
    data_connect(&s, &d);
    session_do(&s, "550 Not a regular file.", "STOR f");
    data_cut(&d, false);
    fault_retry(&s, &server, "fifo", "g", bytes, LEN);
    data_connect(&s, &d);
    session_do(&s, "550 Not a regular file.", "RETR f");
    data_cut(&d, false);
    cr_assert_eq(unlink(path), 0);
    data_connect(&s, &d);
    session_do(&s, "550 {*}", "RETR f");
    data_cut(&d, false);
    fault_retry(&s, &server, "fifo", "f", bytes, LEN);
    session_close(&s);
    server_log_expect(&server, 1, "verb=STOR", " user=fifo ",
                      " result=550 reason=\"not a regular file\"", NULL);
    server_log_expect(&server, 1, "verb=RETR", " user=fifo ",
                      " result=550 reason=\"not a regular file\"", NULL);
    free(bytes);
}

/* A client that reads the old file while it is replaced gets it whole, although
 * no buffer could hold all of it. */
Test(collisions, replaced_while_read, .timeout = 60)
{
    unsigned char *old = fault_noise(OLD), *new = fault_noise(LEN);
    struct session reader, writer;
    struct server server;
    struct buf got;
    struct data d;
    char path[SERVER_PATH_MAX];

    session_enter_shared(&writer, &server, "reader");
    snprintf(path, sizeof(path), "%s",
             server_home_file(&server, "reader", "f"));
    files_write(path, old, OLD, 0600);
    files_give_to_owner_of(server_home(&server, "reader"), path);
    session_enter_shared(&reader, &server, "reader");
    buf_init(&got, 2 * OLD);
    data_open(&reader, &d, "RETR f");
    fault_retry(&writer, &server, "reader", "f", new, LEN);
    data_read_all(&d, &got);
    data_close(&d);
    session_expect(&reader, "226 {*}");
    cr_assert_eq(got.len, OLD);
    cr_assert(memcmp(got.data, old, OLD) == 0, "the download differs");
    buf_release(&got);
    session_close(&reader);
    session_close(&writer);
    free(old);
    free(new);
}
