/* The table of users from reader to master: it arrives whole, and of a reader
 * that writes something else nothing is believed. */
#include "sallyport/base/fd.h"
#include "sallyport/userparse/userparse.h"
#include "sallyport/users/image.h"
#include "support/files.h"
#include "support/test.h"
#include "support/users_table.h"

#define HASH "$5$salt$abcdefghijklmnopqrstuvwxyzABCDEFGHIJ./01234"
#define PIN                                                                    \
    "sha256:"                                                                  \
    "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
#define FILE_TEXT                                                              \
    "# two users\n"                                                            \
    "anna:" HASH ":70000:70001:Anna A:/home/anna::rights=lrw "                 \
    "on_conflict=reject upload_eof=size data_binding=session "                 \
    "certificate=" PIN " login=certificate expires=2199-12-31 "                \
    "bandwidth_up=0 max_file_size=16777216G networks=::1 hours=mon\n"          \
    "bert:!:70002:70003::/home/bert::shares=offers:drop teams=legal "          \
    "file_mode=0640 dir_mode=0750 "                                            \
    "uploads=20 upload_bytes=1T must_change=yes\n"                             \
    "@share:offers:80001:/srv/s/offers:\n"                                     \
    "@share:contracts:80000:/srv/s/contracts:file_mode=0640\n"                 \
    "@team:sales:\n"                                                           \
    "@team:legal:shares=contracts:read,offers:read max_sessions=7 "            \
    "networks=192.0.2.0/24 hours=tue\n"

static struct buf image;

static void write_image(const char *text)
{
    FD_CLEANUP int table = users_table(text);

    buf_init(&image, USERS_IMAGE_MAX);
    cr_assert_eq(fd_read_file(table, &image), 0);
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
    cr_expect_eq(anna->choice[CHOICE_CONFLICT], CONFLICT_REJECT + 1);
    cr_expect_eq(row_limit(&anna->limits, ROW_UP, 5), 0);
    cr_expect_eq(row_limit(&anna->limits, ROW_FILE_SIZE, 5), UINT64_C(1) << 54);
    cr_expect_eq(row_limit(&anna->limits, ROW_DOWN, 5), 5);
    cr_expect(slice_equal(anna->limits.networks, SLICE("::1")));
    cr_expect(slice_equal(anna->limits.hours, SLICE("mon")));
    cr_expect(bert->limits.networks.len == 0 && bert->limits.hours.len == 0);
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
    cr_expect(!anna->grants && !anna->file_mode);
    cr_expect(bert->file_mode == 0640 && bert->dir_mode == 0750);
    cr_expect_eq(row_limit(&bert->limits, ROW_UPLOADS, 0), 20);
    cr_expect_eq(row_limit(&bert->limits, ROW_UPLOAD_BYTES, 0), UINT64_C(1)
                                                                    << 40);
    cr_expect_eq(anna->limits.number[ROW_UPLOADS], 0);
    cr_expect(bert->must_change && !anna->must_change);
    cr_assert(u.shares == 2 && u.grants == 2);
    cr_expect(u.teams == 2 && bert->teams.len == 0);
    cr_assert(bert->team[0] == &u.team[1] && !bert->team[1] && !anna->team[0]);
    cr_expect_str_eq(u.team[1].name, "legal");
    cr_expect_eq(row_limit(&u.team[1].limits, ROW_SESSIONS, 0), 7);
    cr_expect(slice_equal(u.team[1].limits.networks, SLICE("192.0.2.0/24")));
    cr_expect(slice_equal(u.team[1].limits.hours, SLICE("tue")));
    cr_assert_eq(bert->grants, 2);
    cr_expect_eq(bert->grant[0].share, 0);
    cr_expect_eq(bert->grant[0].rights, RIGHT_LIST | RIGHT_READ | RIGHT_WRITE);
    cr_expect_eq(bert->grant[1].share, 1);
    cr_expect_eq(bert->grant[1].rights, RIGHT_LIST | RIGHT_READ);
    cr_expect_str_eq(bert->share[0].name, "offers");
    cr_expect_str_eq(bert->share[1].path, "/srv/s/contracts");
    cr_expect(bert->share[1].gid == 80000 && bert->share[1].file_mode == 0640);
    cr_expect_eq(bert->share[1].line, 5);
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

static struct users_head *head(void)
{
    return (struct users_head *)(void *)image.data;
}

static struct users_row *row(size_t i)
{
    return (struct users_row *)(void *)(image.data +
                                        sizeof(struct users_head)) +
           i;
}

static struct users_share *share(size_t i)
{
    return (struct users_share *)(void *)row(head()->users) + i;
}

static struct users_team *team(size_t i)
{
    return (struct users_team *)(void *)share(head()->shares) + i;
}

static struct grant *grant(size_t i)
{
    return (struct grant *)(void *)team(head()->teams) + i;
}

/* The rows of the image that is read here. */
#define ROWS                                                                   \
    (sizeof(struct users_head) + 2 * sizeof(struct users_row) +                \
     2 * sizeof(struct users_share) + 2 * sizeof(struct users_team) +          \
     2 * sizeof(struct grant))

static uint32_t text_size(void)
{
    return (uint32_t)(image.len - ROWS);
}

/* A name, and what is written into the image. */
#define LIES(L)                                                                \
    L(another_build, head()->build[0]++)                                       \
    L(too_many_rows, head()->users = USERS_MAX + 1)                            \
    L(rows_for_4_gib, head()->users = UINT32_MAX)                              \
    L(more_rows_than_bytes, image.len = ROWS - 1)                              \
    L(a_row_more, head()->users++)                                             \
    L(a_row_less, head()->users--)                                             \
    L(all_bytes_are_rows, image.len = ROWS)                                    \
    L(too_many_shares, head()->shares = SHARES_MAX + 1)                        \
    L(a_share_more, head()->shares++)                                          \
    L(a_share_less, head()->shares--)                                          \
    L(too_many_grants, head()->grants = GRANTS_MAX + 1)                        \
    L(a_grant_more, head()->grants++)                                          \
    L(a_grant_less, head()->grants--)                                          \
    L(a_grant_of_nobody, row(1)->grants.number = 1)                            \
    L(a_grant_of_another, row(0)->grants.number = 1)                           \
    L(grants_for_4_gib, row(1)->grants.number = UINT32_MAX)                    \
    L(an_unknown_share, grant(1)->share = 2)                                   \
    L(a_share_twice, grant(1)->share = 0)                                      \
    L(shares_out_of_order, grant(0)->share = 1; grant(1)->share = 0)           \
    L(unknown_rights_in_a_share, grant(1)->rights = RIGHTS_MOST + 1)           \
    L(no_rights_in_a_share, grant(0)->rights = 0)                              \
    L(a_share_of_the_system, share(0)->gid.number = SHARE_GID_MIN - 1)         \
    L(a_share_of_root, share(0)->gid.number = 0)                               \
    L(a_share_of_all_gids, share(1)->gid.number = UINT32_MAX)                  \
    L(a_share_for_all, share(1)->file_mode.number = 0666)                      \
    L(a_share_for_nobody, share(1)->file_mode.number = 0060)                   \
    L(a_share_without_a_name, share(0)->name.len = 0)                          \
    L(a_share_with_a_path_as_name, share(0)->name = share(0)->path)            \
    L(a_share_with_a_name_as_path, share(0)->path = share(0)->name)            \
    L(a_share_far_outside, share(0)->path.at = UINT32_MAX)                     \
    L(a_home_for_all, row(0)->file_mode.number = 0666)                         \
    L(directories_for_all, row(0)->dir_mode.number = 0777)                     \
    L(files_with_set_uid, row(0)->file_mode.number = 04600)                    \
    L(begins_outside, row(1)->home.at = text_size())                           \
    L(begins_far_outside, row(1)->name.at = UINT32_MAX)                        \
    L(ends_outside, row(1)->home.at = text_size() - 3)                         \
    L(is_endless, row(0)->hash.len = UINT32_MAX)                               \
    L(wraps_around,                                                            \
      row(0)->certificate = (union users_cell){ .at = UINT32_MAX, .len = 2 })  \
    L(no_nul_follows, row(0)->home.len--)                                      \
    L(a_nul_inside, row(0)->comment.len += 2)                                  \
    L(a_long_name, row(0)->name = row(0)->hash;                                \
      row(0)->name.len = (uint32_t)strlen(HASH))                               \
    L(an_empty_name, row(1)->name = row(1)->comment)                           \
    L(a_bad_name, image.data[image.len - text_size() + 12] = '/')              \
    L(unknown_rights, row(1)->rights.number = RIGHTS_MOST + 1)                 \
    L(unknown_conflict, row(1)->conflict.number = CONFLICT_COUNT + 1)          \
    L(unknown_eof, row(1)->upload_eof.number = UPLOAD_EOF_COUNT + 1)           \
    L(unknown_binding, row(1)->binding.number = BINDING_COUNT + 1)             \
    L(too_many_teams, head()->teams = TEAMS_MAX + 1)                           \
    L(a_team_more, head()->teams++)                                            \
    L(an_unknown_team, row(1)->team_2.number = 3)                              \
    L(a_team_far_away, row(1)->team_1.number = UINT32_MAX)                     \
    L(a_team_without_a_name, team(0)->name.len = 0)                            \
    L(hours_outside, team(1)->hours.at = text_size())                          \
    L(endless_networks, row(0)->networks.len = UINT32_MAX)                     \
    L(no_sessions, team(1)->max_sessions.number = 1)                           \
    L(endless_bandwidth, row(0)->bandwidth_up.number = UINT64_MAX)             \
    L(expires_before_1970, row(1)->expires.number = UINT64_MAX)                \
    L(all_uids, row(0)->uid.number = UINT32_MAX)                               \
    L(all_gids, row(0)->gid.number = UINT32_MAX)                               \
    L(root_by_64_bits, row(0)->gid.number = UINT64_C(1) << 32)                 \
    L(half_locked, row(1)->locked.number = 2)

static void expect_refused(const char *lie)
{
    struct users u;

    cr_expect_eq(take(&u, buf_slice(&image)), -EBADMSG, "%s", lie);
    buf_release(&image);
    write_image(FILE_TEXT);
}

#define TRY(name, ...)                                                         \
    __VA_ARGS__;                                                               \
    expect_refused(#name);
Test(image, lies)
{
    LIES(TRY)
}

/* anna has USER_MOUNTS_MAX shares, and bert has another one. */
static void write_many(void)
{
    struct buf text;

    buf_init(&text, 1 << 16);
    buf_add_text(&text, "anna:!:1:1::/a::shares=s0");
    for (int i = 1; i < USER_MOUNTS_MAX; i++)
        buf_add_format(&text, ",s%d", i);
    buf_add_format(&text, "\nbert:!:2:2::/b::shares=s%d\n", USER_MOUNTS_MAX);
    for (int i = 0; i <= USER_MOUNTS_MAX; i++)
        buf_add_format(&text, "@share:s%d:%d:/s/s%d:\n", i, 100 + i, i);
    cr_assert_eq(buf_add(&text, "", 1), 0);
    buf_release(&image);
    write_image(text.data);
    buf_release(&text);
}

Test(image, mounts_up_to_the_limit)
{
    struct users u;

    write_many();
    cr_assert_eq(take(&u, buf_slice(&image)), 0);
    cr_expect_eq(u.row[0].grants, USER_MOUNTS_MAX);
    cr_expect_eq(u.row[1].grants, 1);
    users_release(&u);
    row(0)->grants.number++;
    row(1)->grants.number--;
    cr_expect_eq(take(&u, buf_slice(&image)), -EBADMSG);
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
           (memchr(user->certificate.ptr, 1, user->certificate.len) != NULL) +
           (user_version(user, (const uint8_t[SIPHASH_KEY]){ 0 }) & 1);
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

static bool is_wiped(const char *bytes, size_t len)
{
    for (size_t i = 0; i < len; i++)
        if (bytes[i] != 0)
            return false;
    return true;
}

static bool fork_has(const void *page)
{
    unsigned char resident;

    return mincore((void *)((uintptr_t)page & ~(uintptr_t)4095), 1,
                   &resident) == 0;
}

/* A fork has no text, and no whole page of rows; the table stays as it is, also
 * for the next fork. */
Test(image, kept_from_forks)
{
    struct buf text;
    struct users u;

    buf_init(&text, 1 << 22);
    for (int i = 0; i < 5000; i++)
        buf_add_format(&text, "u%d:" HASH ":%d:1::/h::\n", i, i + 1);
    cr_assert_eq(buf_add(&text, "", 1), 0);
    buf_release(&image);
    write_image(text.data);
    cr_assert_eq(take(&u, buf_slice(&image)), 0);
    users_keep_from_forks(&u);
    cr_expect(u.kept_from_forks);
    for (int i = 0; i < 2; i++) {
        int status;
        pid_t pid = fork();

        if (pid == 0) {
            _exit(fork_has(u.text) || fork_has(u.text + u.text_size - 1) ||
                  !is_wiped((const char *)u.row + 4096,
                            (u.count - 1) * sizeof(*u.row) - 8192));
        }
        cr_assert_eq(waitpid(pid, &status, 0), pid);
        cr_expect_eq(status, 0);
    }
    cr_expect_str_eq(u.row[4999].hash, HASH);
    users_release(&u);
    buf_release(&text);
}

Test(image, no_file)
{
    struct complaint c = { "" };
    struct users u;

    cr_expect_eq(users_take(&u, -1, &c), -EBADF);
    cr_expect(strstr(c.text, "Bad file descriptor"), "%s", c.text);
}

/* Somebody could change them while they are used. */
Test(image, not_sealed)
{
    FD_CLEANUP int fd = memfd_create("answer", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    FD_CLEANUP int pipe_end = -1;
    struct complaint c = { "" };
    struct users u;
    int ends[2];

    cr_assert_eq(fd_write_all(fd, image.data, image.len), 0);
    cr_expect_eq(users_take(&u, fd, &c), -EBADMSG);
    cr_assert_eq(pipe2(ends, O_CLOEXEC), 0);
    pipe_end = ends[0];
    close(ends[1]);
    cr_expect_eq(users_take(&u, pipe_end, &c), -EBADMSG);
    cr_assert_eq(fd_seal(fd), 0);
    cr_assert_eq(users_take(&u, fd, &c), 0);
    users_release(&u);
}

/* Kernels before 6.7 refuse a shared mapping of what nobody can write. */
Test(image, mapped_privately)
{
    FD_CLEANUP int fd = fd_sealed("answer", buf_slice(&image));
    struct complaint c = { "" };
    char line[512], wanted[32], may[8] = "";
    FILE *maps;
    struct users u;

    cr_assert_eq(users_take(&u, fd, &c), 0);
    snprintf(wanted, sizeof(wanted), "%lx-", (unsigned long)(uintptr_t)u.text);
    maps = fopen("/proc/self/maps", "r");
    cr_assert(maps);
    while (fgets(line, sizeof(line), maps))
        if (strncmp(line, wanted, strlen(wanted)) == 0)
            sscanf(line, "%*s %7s", may);
    fclose(maps);
    cr_expect_str_eq(may, "r--p");
    users_release(&u);
}

/* Auth would ask such a user for nothing. */
Test(image, certificate_only_without_a_certificate)
{
    struct users u;

    cr_assert(row(0)->certificate_only.number &&
              !row(1)->certificate_only.number);
    row(1)->certificate_only.number = 1;
    cr_expect_eq(take(&u, buf_slice(&image)), -EBADMSG);
}

/* The fuzz target begins with tables of today's layout: after a change of the
 * rows SALLYPORT_SEEDS=1 writes them again. */
Test(image, seeds_are_of_this_layout)
{
    const struct seed {
        const char *name, *text;
        size_t at; /* of the number that is changed */
        uint64_t number;
    } seeds[] = {
        { "nobody", "# nobody\n", 0, 0 },
        { "company", FILE_TEXT, 0, 0 },
        { "a_row_too_many", FILE_TEXT, offsetof(struct users_head, users), 3 },
        { "a_grant_too_many", FILE_TEXT, offsetof(struct users_head, grants),
          3 },
        { "far_outside", FILE_TEXT, sizeof(struct users_head), UINT32_MAX },
    };
    const bool write = getenv("SALLYPORT_SEEDS");

    for (size_t i = 0; i < sizeof(seeds) / sizeof(seeds[0]); i++) {
        const struct seed *s = &seeds[i];
        char path[PATH_MAX];
        struct buf seed;
        struct slice want;

        buf_release(&image);
        write_image(s->text);
        if (s->at > 0)
            memcpy(image.data + s->at, &s->number, sizeof(s->number));
        want = (struct slice){ image.data + BUILD_NAME_MAX,
                               image.len - BUILD_NAME_MAX };
        snprintf(path, sizeof(path), "%s/%s",
                 in_source("tests/fuzz/seeds/image"), s->name);
        FD_CLEANUP int fd =
            open(path, write ? O_RDWR | O_CREAT | O_TRUNC : O_RDONLY, 0644);
        cr_assert(!write || fd_write_all(fd, want.ptr, want.len) == 0);
        buf_init(&seed, USERS_IMAGE_MAX);
        cr_assert_eq(fd_read_file(fd, &seed), 0);
        cr_expect(slice_equal(buf_slice(&seed), want), "%s", s->name);
        buf_release(&seed);
    }
}
