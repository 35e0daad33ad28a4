/* See pending.h. */
#include "pending.h"

#include "fault.h"
#include "support/files.h"
#include "support/test.h"

#define BIG  (20u << 20)
#define PART 100000

unsigned char *pending_prepare(const struct server *server)
{
    const char *path = server_home_file(server, "anna", "big");
    unsigned char *bytes = fault_noise(BIG);

    files_write(path, bytes, BIG, 0600);
    files_give_to_owner_of(server_home(server, "anna"), path);
    return bytes;
}

static bool stores(const struct pending *p)
{
    return p->number % 2 == 0;
}

void pending_begin(struct pending *p, int number, const struct server *server,
                   const unsigned char *bytes)
{
    p->server = server;
    p->bytes = bytes;
    p->number = number;
    snprintf(p->name, sizeof(p->name), "f-%d", number);
    session_enter(&p->s, server, "anna");
    if (stores(p)) {
        data_open(&p->s, &p->d, "STOR %s", p->name);
        data_write(&p->d, bytes, PART);
    } else {
        data_open(&p->s, &p->d, "RETR big");
    }
}

static void expect_big(struct pending *p)
{
    struct buf got;

    buf_init(&got, BIG + (1 << 20));
    data_read_all(&p->d, &got);
    cr_assert(got.len == BIG && memcmp(got.data, p->bytes, BIG) == 0,
              "other bytes than were stored");
    buf_release(&got);
}

void pending_finish(struct pending *p)
{
    if (stores(p))
        data_write(&p->d, p->bytes + PART, PART);
    else
        expect_big(p);
    data_close(&p->d);
    session_expect(&p->s, "226 {*}");
    if (stores(p))
        fault_expect_whole(p->server, "anna", p->name, p->bytes, 2 * PART);
    session_close(&p->s);
}
