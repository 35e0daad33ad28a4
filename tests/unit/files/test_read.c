/* FILE_READ. */
#include <criterion/criterion.h>
#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "peer.h"
#include "sallyport/domain/outcome.h"
#include "sallyport/domain/rights.h"

static void make_socket(const char *path)
{
    struct sockaddr_un a = { .sun_family = AF_UNIX };
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

    strncpy(a.sun_path, path, sizeof(a.sun_path) - 1);
    cr_assert_eq(bind(fd, (void *)&a, sizeof(a)), 0);
    close(fd);
}

Test(read, table)
{
    static const struct {
        const char *path;
        uint64_t offset;
        int outcome;
    } rows[] = {
        { "/file", 0, OUTCOME_OK },
        { "/file", 5, OUTCOME_OK },
        { "/file", 6, OUTCOME_BAD_OFFSET },
        { "/file", UINT64_MAX, OUTCOME_BAD_OFFSET },
        { "/folder/file", 0, OUTCOME_OK },
        { "/link", 0, OUTCOME_OK },
        { "/folder", 0, OUTCOME_IS_DIRECTORY },
        { "/", 0, OUTCOME_IS_DIRECTORY },
        { "/fifo", 0, OUTCOME_NOT_REGULAR },
        { "/socket", 0, OUTCOME_NOT_REGULAR },
        { "/out", 0, OUTCOME_NOT_FOUND },
        { "/missing", 0, OUTCOME_NOT_FOUND },
        { "/file/x", 0, OUTCOME_NOT_DIRECTORY },
        { "/.sallyport-secret", 0, OUTCOME_NOT_FOUND },
        { "/.sallyport-folder/file", 0, OUTCOME_NOT_FOUND },
        { "/closed", 0, OUTCOME_DENIED },
    };
    struct peer p;

    peer_init(&p);
    disk_put(&p, "/file", "hello", 5);
    disk_directory(&p, "/folder");
    disk_put(&p, "/folder/file", "hello", 5);
    disk_link(&p, "folder/file", "/link");
    disk_link(&p, "/etc/passwd", "/out");
    cr_assert_eq(mkfifo(disk_path(&p, "/fifo"), 0666), 0);
    make_socket(disk_path(&p, "/socket"));
    disk_put(&p, "/.sallyport-secret", "x", 1);
    disk_directory(&p, "/.sallyport-folder");
    disk_put(&p, "/.sallyport-folder/file", "x", 1);
    disk_put(&p, "/closed", "x", 1);
    cr_assert_eq(chmod(disk_path(&p, "/closed"), 0), 0);
    peer_run(&p);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        char text[8] = "";
        int fd, r = ask_read(&p, rows[i].path, rows[i].offset, &fd);

        cr_expect_eq(r, rows[i].outcome, "%s: %d", rows[i].path, r);
        if (fd < 0)
            continue;
        cr_expect_eq(read(fd, text, sizeof(text)), 5);
        cr_expect_str_eq(text, "hello");
        cr_expect_lt(write(fd, "x", 1), 0, "opened for reading only");
        close(fd);
    }
    peer_stop(&p);
}

Test(read, needs_the_right)
{
    struct peer p;
    int fd;

    peer_init(&p);
    disk_put(&p, "/file", "hello", 5);
    p.start.rights = RIGHT_ALL & ~RIGHT_READ;
    peer_run(&p);
    cr_expect_eq(ask_read(&p, "/file", 0, &fd), OUTCOME_NO_RIGHT);
    cr_expect_eq(ask_read(&p, "/missing", 0, &fd), OUTCOME_NO_RIGHT);
    peer_stop(&p);
}

Test(read, tells_size_and_time)
{
    struct peer p;
    struct message reply;

    peer_init(&p);
    disk_put(&p, "/big", "", 0);
    /* A sparse file: sizes have 64 bits everywhere. */
    cr_assert_eq(truncate(disk_path(&p, "/big"), (off_t)5 << 30), 0);
    peer_run(&p);
    cr_assert_eq(ASK(&p, &reply, file_read, NEXT(&p), .path = SLICE("/big"),
                     .offset = 0),
                 OUTCOME_OK);
    cr_expect_eq(reply.file_readable.size, (uint64_t)5 << 30);
    message_close(&reply);
    peer_stop(&p);
}
