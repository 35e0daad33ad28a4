/* The table of users from reader to master: it arrives whole, and of a reader
 * that writes something else nothing is believed. */
#include <criterion/criterion.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "sallyport/base/fd.h"
#include "sallyport/users/image.h"
#include "sallyport/usersfile/usersfile.h"

#define HASH "$5$salt$abcdefghijklmnopqrstuvwxyzABCDEFGHIJ./01234"
#define PIN                                                                    \
    "sha256:"                                                                  \
    "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
#define FILE_TEXT                                                              \
    "# two users\n"                                                            \
    "anna:" HASH ":70000:70001:Anna A:/home/anna::rights=lrw "                 \
    "on_conflict=version upload_eof=size data_binding=session "                \
    "certificate=" PIN " login=certificate expires=2199-12-31\n"               \
    "bert:!:70002:70003::/home/bert::\n"

static struct buf image;

static void write_image(const char *text)
{
    FD_CLEANUP int file = fd_sealed("users", slice_from(text));
    FD_CLEANUP int answer = memfd_create("answer", MFD_CLOEXEC);
    struct complaint c = { "" };
    struct users u;

    cr_assert_eq(users_read(&u, file, "users", &c), 0, "%s", c.text);
    cr_assert_eq(users_write(&u, answer), 0);
    users_release(&u);
    buf_init(&image, USERS_IMAGE_MAX);
    cr_assert_eq(fd_read_file(answer, &image), 0);
}

static void set_up(void)
{
    write_image(FILE_TEXT);
}

static void tear_down(void)
{
    buf_release(&image);
}

TestSuite(image, .init = set_up, .fini = tear_down);

static int take(struct users *u, struct slice bytes)
{
    FD_CLEANUP int fd = fd_sealed("answer", bytes);
    struct complaint c = { "" };
    int r = users_take(u, fd, &c);

    cr_assert(r != 0 || c.text[0] == '\0');
    cr_assert(r == 0 || (c.text[0] && !u->row && !u->text && u->count == 0));
    return r;
}

Test(image, arrives_whole)
{
    struct users u;
    const struct user *anna, *bert;

    cr_assert_eq(take(&u, buf_slice(&image)), 0);
    cr_assert_eq(u.count, 2);
    anna = users_find(&u, SLICE("anna"));
    bert = users_find(&u, SLICE("bert"));
    cr_assert(anna == &u.row[0] && bert == &u.row[1]);
    cr_expect_str_eq(anna->comment, "Anna A");
    cr_expect_str_eq(anna->home, "/home/anna");
    cr_expect_str_eq(anna->hash, HASH);
    cr_expect(slice_equal(anna->certificate, SLICE(PIN)));
    cr_expect(anna->uid == 70000 && anna->gid == 70001 && anna->line == 2);
    cr_expect_eq(anna->rights, RIGHT_LIST | RIGHT_READ | RIGHT_WRITE);
    cr_expect_eq(anna->choice[CHOICE_CONFLICT], CONFLICT_VERSION + 1);
    cr_expect_eq(anna->choice[CHOICE_UPLOAD_EOF], UPLOAD_EOF_SIZE + 1);
    cr_expect_eq(anna->choice[CHOICE_BINDING], BINDING_SESSION + 1);
    cr_expect(anna->certificate_only && !anna->locked);
    cr_expect_eq(anna->expires, 7258118400); /* more than 32 bits */
    cr_expect(bert->locked && !bert->certificate_only);
    cr_expect_eq(bert->expires, 0);
    for (int i = 0; i < CHOICES; i++)
        cr_expect_eq(bert->choice[i], 0);
    cr_expect_eq(bert->certificate.len, 0);
    cr_expect_str_eq(bert->hash, "");
    cr_expect_eq(bert->rights, RIGHT_ALL);
    users_release(&u);
}

/* The version of a row mustn't depend on who has read the file. */
Test(image, versions)
{
    FD_CLEANUP int file = fd_sealed("users", SLICE(FILE_TEXT));
    const uint8_t key[SIPHASH_KEY] = { 1 };
    struct complaint c = { "" };
    struct users read, taken;

    cr_assert_eq(users_read(&read, file, "users", &c), 0);
    cr_assert_eq(take(&taken, buf_slice(&image)), 0);
    for (size_t i = 0; i < read.count; i++)
        cr_expect_eq(user_version(&read.row[i], key),
                     user_version(&taken.row[i], key));
    users_release(&read);
    users_release(&taken);
}

Test(image, of_nobody)
{
    struct users u;

    buf_release(&image);
    write_image("# nobody\n");
    cr_assert_eq(take(&u, buf_slice(&image)), 0);
    cr_expect_eq(u.count, 0);
    users_release(&u);
}

static struct users_row *row(size_t i)
{
    return (struct users_row *)(void *)(image.data +
                                        sizeof(struct users_head)) +
           i;
}

static struct users_head *head(void)
{
    return (struct users_head *)(void *)image.data;
}

static uint32_t text_size(void)
{
    return (uint32_t)(image.len - sizeof(struct users_head) -
                      2 * sizeof(struct users_row));
}

/* clang-format off */
static void another_build(void) { head()->build[0]++; }
static void too_many_rows(void) { head()->users = USERS_MAX + 1; }
static void rows_for_4_gib(void) { head()->users = UINT32_MAX; }
static void more_rows_than_bytes(void) { head()->users = 3; }
static void all_bytes_are_rows(void)
{
    head()->users = 2;
    image.len = sizeof(struct users_head) + 2 * sizeof(struct users_row);
}
static void begins_outside(void) { row(1)->home.at = text_size(); }
static void begins_far_outside(void) { row(1)->name.at = UINT32_MAX; }
static void ends_outside(void) { row(1)->home.at = text_size() - 3; }
static void is_endless(void) { row(0)->hash.len = UINT32_MAX; }
static void wraps_around(void)
{
    row(0)->certificate = (struct users_span){ UINT32_MAX, 2 };
}
static void no_nul_follows(void) { row(0)->home.len--; }
static void a_nul_inside(void) { row(0)->comment.len += 2; }
static void a_long_name(void)
{
    row(0)->name = row(0)->hash;
    row(0)->name.len = (uint32_t)strlen(HASH);
}
static void an_empty_name(void) { row(1)->name = row(1)->comment; }
static void a_bad_name(void) { image.data[image.len - text_size() + 12] = '/'; }
static void unknown_rights(void) { row(1)->rights = RIGHT_ALL + 1; }
static void unknown_conflict(void)
{
    row(1)->choice[CHOICE_CONFLICT] = CONFLICT_COUNT + 1;
}
static void unknown_eof(void)
{
    row(1)->choice[CHOICE_UPLOAD_EOF] = UPLOAD_EOF_COUNT + 1;
}
static void unknown_binding(void)
{
    row(1)->choice[CHOICE_BINDING] = BINDING_COUNT + 1;
}
static void expires_before_1970(void) { row(1)->expires[1] = UINT32_MAX; }
/* clang-format on */

#define LIE(function) { function, #function }
static const struct {
    void (*tell)(void);
    const char *name;
} lies[] = {
    LIE(another_build),        LIE(too_many_rows),       LIE(rows_for_4_gib),
    LIE(more_rows_than_bytes), LIE(all_bytes_are_rows),  LIE(begins_outside),
    LIE(begins_far_outside),   LIE(ends_outside),        LIE(is_endless),
    LIE(wraps_around),         LIE(no_nul_follows),      LIE(a_nul_inside),
    LIE(a_long_name),          LIE(an_empty_name),       LIE(a_bad_name),
    LIE(unknown_rights),       LIE(unknown_conflict),    LIE(unknown_eof),
    LIE(unknown_binding),      LIE(expires_before_1970),
};

Test(image, lies)
{
    for (size_t i = 0; i < sizeof(lies) / sizeof(lies[0]); i++) {
        struct users u;

        buf_release(&image);
        write_image(FILE_TEXT);
        lies[i].tell();
        cr_expect_eq(take(&u, buf_slice(&image)), -EBADMSG, "%s", lies[i].name);
    }
}

Test(image, cut_off)
{
    for (size_t len = 0; len < image.len; len++) {
        struct users u;
        bool whole = take(&u, (struct slice){ image.data, len }) == 0;

        cr_assert(!whole || len > image.len - text_size());
        users_release(&u);
    }
}

static size_t length_of_all(const struct user *user)
{
    return strlen(user->name) + strlen(user->comment) + strlen(user->home) +
           strlen(user->hash) +
           (memchr(user->certificate.ptr, 1, user->certificate.len) != NULL);
}

/* An accepted image can be read to its end: the sanitizers check that. */
Test(image, random_lies)
{
    const size_t numbers = (image.len - text_size()) / sizeof(uint32_t);
    size_t taken = 0;

    srandom(1);
    for (int i = 0; i < 20000; i++) {
        uint32_t *at =
            (uint32_t *)(void *)image.data + (size_t)random() % numbers;
        uint32_t was = *at;
        struct users u;

        *at = random() % 2 ? (uint32_t)random() % (2 * text_size())
                           : (uint32_t)random() << 1;
        if (take(&u, buf_slice(&image)) == 0)
            for (size_t n = 0; n < u.count; n++)
                taken += length_of_all(&u.row[n]) > 0;
        users_release(&u);
        *at = was;
    }
    cr_expect_gt(taken, 0);
}

Test(image, no_file)
{
    struct complaint c = { "" };
    struct users u;

    cr_expect_eq(users_take(&u, -1, &c), -EBADF);
    cr_expect(strstr(c.text, "Bad file descriptor"), "%s", c.text);
}
