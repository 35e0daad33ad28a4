/* A client resumes an unfinished upload on another machine.
 * transcripts/server/upload-faults.txt has the faults that such an upload
 * survives. */
#include "fault.h"
#include "support/files.h"
#include "support/test.h"

#define LEN  (600 * FAULT_KIB)
#define SENT (300 * FAULT_KIB) /* SIZE reports less: a multiple of 64 KiB */

static unsigned long long told_size(struct session *s)
{
    unsigned long long size = 0;

    session_do(s, "213 {*}", "SIZE big");
    cr_assert_eq(sscanf(s->reply.data, "213 %llu", &size), 1);
    cr_assert_eq(size % (64 * FAULT_KIB), 0);
    cr_assert(size > 0 && size < SENT, "%llu", size);
    return size;
}

/* A new session asks how much is there, and sends the rest. */
static void finish(struct server *server, bool append,
                   const unsigned char *bytes)
{
    struct session s;
    unsigned long long at;

    session_enter(&s, server, "anna");
    at = told_size(&s);
    if (!append)
        session_do(&s, "350 {*}", "REST %llu", at);
    session_store(&s, append ? "APPE" : "STOR", "big", bytes + at, LEN - at);
    fault_expect_whole(server, "anna", "big", bytes, LEN);
    session_do(&s, "550 {*}", "SIZE other");
    session_close(&s);
    cr_assert_eq(fault_count_partials(server, "anna"), 0);
}

static void cut(struct session *s, const unsigned char *bytes)
{
    struct data d;

    data_open(s, &d, "STOR big");
    data_write(&d, bytes, SENT);
    data_cut(&d, false);
    session_expect(s, "426 {*}");
}

/* Starts two servers, as on two machines. Each has its own directory `state`;
 * both have the same users, homes and file of the key. */
static void begin_pair(struct server pair[2])
{
    server_prepare(&pair[0], PLAN(.troubles = true));
    server_prepare(&pair[1], PLAN(.troubles = true));
    const char *key = server_path(&pair[0], "common.key");
    const char *users = server_path(&pair[0], "users");
    strcpy(pair[1].homes, pair[0].homes);
    server_set(&pair[1], "homes", pair[0].homes);
    server_set(&pair[1], "users", users);
    for (int i = 0; i < 2; i++) {
        server_set(&pair[i], "partials_key", key);
        server_again(&pair[i]);
    }
}

/* A client resumes an upload on one machine after it was cut on the other. */
Test(resume, on_another_machine, .timeout = 180)
{
    unsigned char *bytes = fault_noise(LEN);
    struct server pair[2];
    struct session s;

    begin_pair(pair);
    for (int i = 0; i < 2; i++) {
        session_enter(&s, &pair[i], "anna");
        cut(&s, bytes);
        session_close(&s);
        finish(&pair[!i], i, bytes);
        cr_assert_eq(unlink(server_home_file(&pair[0], "anna", "big")), 0);
        cr_assert(!files_exists(server_path(&pair[i], "state/partials.key")));
    }
    server_stop(&pair[1]);
    server_stop(&pair[0]);
    free(bytes);
}
