/* Downloads to a file system that reports lost bytes only when a file is
 * closed, as network file systems can do, and to a file system that folds
 * case. */
#include "faulty.h"
#include "fuse.h"
#include "sallyport/base/buf.h"
#include "sallyport/base/slice.h"
#include "support/files.h"
#include "support/scratch.h"
#include "support/served.h"
#include "support/test.h"

ReportHook(PRE_ALL)(struct criterion_test_set *set)
{
    (void)set;
    faulty_prepare();
}

TestSuite(client_disks, .init = fuse_begin);

static bool has(const char *path, const char *text)
{
    struct buf got;

    buf_init(&got, 64);
    bool yes = files_read(path, &got) &&
               slice_equal(buf_slice(&got), slice_from(text));
    buf_release(&got);
    return yes;
}

struct far {
    struct faulty server;
    pid_t fuse;
};

static void far_begin(struct far *f, const char *fault)
{
    faulty_begin(&f->server, fault, "good");
    files_make_folder("far", 0755);
    f->fuse = fuse_mount("far");
}

/* Begins a server that stores files, and makes the directory for the disk. */
static void far_keeps(struct far *f)
{
    faulty_begin(&f->server, "sallyport", "good");
    files_make_folder("kept", 0755);
    files_make_folder("kept/anna", 0755);
    files_make_folder("parts", 0755);
    files_make_folder("far", 0755);
}

static void far_end(struct far *f)
{
    fuse_unmount("far", f->fuse);
    faulty_end(&f->server);
}

/* The client must leave neither the file nor a partial: it can't know which
 * bytes were lost, so it can't resume the download later. */
Test(client_disks, a_disk_that_is_full_at_the_end, .timeout = 120)
{
    static const struct {
        const char *fault, *text;
        int status;
    } rows[] = {
        { "none", "far/file: No space left on device\n", EX_CANTCREAT },
        { "size_too_large", NULL, EX_TEMPFAIL }, /* cut */
    };
    static struct far f;
    struct run_result r;

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        far_begin(&f, rows[i].fault);
        desk_says(&f.server.desk, rows[i].status, rows[i].text, "get",
                  "--retries", "0", "/file", "far/", NULL);
        run(&r, NULL, "/bin/ls", "-A", "far", NULL);
        cr_expect_str_eq(r.text, "bad\nf\n", "%s", rows[i].fault);
        run_release(&r);
        far_end(&f);
    }
}

/* Standard output can lie there, too: "get URL - >file", "inspect read ID
 * >file". */
Test(client_disks, a_full_disk_of_standard_output, .timeout = 60)
{
    static const char *const programs[] = { "sallyport", "sallyportctl" };
    static struct far f;
    struct run_result r;

    far_begin(&f, "none");
    for (size_t i = 0; i < 2; i++) {
        run(&r, NULL, "/bin/sh", "-c", "exec \"$0\" --help >far/out",
            server_program(programs[i]), NULL);
        cr_expect_eq(r.status, EX_IOERR, "%d: %s", r.status, r.text);
        cr_expect(strstr(r.text, "standard output"), "%s", r.text);
        run_release(&r);
    }
    far_end(&f);
}

/* Some file systems lack locks, or lack links and the flags of renameat2(), or
 * give each file an owner of their own. */
Test(client_disks, a_disk_that_lacks_something, .timeout = 60)
{
    static const char *const lacks[] = { "locks", "names", "owner" };
    static struct faulty f;

    for (size_t i = 0; i < sizeof(lacks) / sizeof(lacks[0]); i++) {
        faulty_begin(&f, "none", "good");
        files_make_folder("far", 0755);
        pid_t fuse = fuse_mount_without("far", lacks[i]);
        desk_says(&f.desk, 0, "get file as far/file", "get", "/file", "far/",
                  NULL);
        cr_expect(files_exists("far/file"), "%s", lacks[i]);
        desk_says(&f.desk, 0, "get file as far/file", "get", "--conflict",
                  "overwrite", "/file", "far/", NULL);
        fuse_unmount("far", fuse);
        faulty_end(&f);
    }
}

/* The next call couldn't tell whose bytes a part on such a disk has, so none
 * stays. */
Test(client_disks, a_disk_that_gives_files_an_owner, .timeout = 60)
{
    static struct faulty f;
    struct run_result r;

    faulty_begin(&f, "size_too_large", "good");
    files_make_folder("far", 0755);
    pid_t fuse = fuse_mount_without("far", "owner");
    desk_says(&f.desk, EX_TEMPFAIL, "40 of 4000 announced bytes have arrived",
              "get", "--retries", "0", "/file", "far/", NULL);
    run(&r, NULL, "/bin/ls", "-A", "far", NULL);
    cr_expect_str_eq(r.text, "bad\nf\n");
    run_release(&r);
    fuse_unmount("far", fuse);
    faulty_end(&f);
}

/* A call was killed after it had given its part the target's owner or mode: the
 * next one begins again. Another user's part stays, who can continue it. */
Test(client_disks, a_part_that_nobody_continues, .timeout = 60)
{
    static const char began[] = "40 of 4000 announced bytes have arrived";
    static const char strange[] = "its partial file was replaced";
    static const struct {
        const char *change, *text, *conflict;
    } rows[] = {
        { "true", began, "rename" },
        { "chown 7 far/.sallyport-*.part", strange, "rename" },
        { "chown 7 far/.sallyport-*.part", strange, "overwrite" },
        { "chown 7 far/.sallyport-*.part; touch far/file; chown 8 far/file",
          strange, "overwrite" },
        { "chown 7 far/.sallyport-*.part; touch far/file; chown 7 far/file",
          began, "overwrite" },
        { "chmod 0444 far/.sallyport-*.part", began, "rename" },
        { "ln far/.sallyport-*.part far/link", strange, "rename" },
    };
    static struct faulty f;
    struct run_result r;

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        faulty_begin(&f, "size_too_large", "good");
        files_make_folder("far", 0755);
        desk_says(&f.desk, EX_TEMPFAIL, began, "get", "--retries", "0", "/file",
                  "far/", NULL);
        run(&r, NULL, "/bin/sh", "-c", rows[i].change, NULL);
        cr_expect_eq(r.status, 0, "%s", rows[i].change);
        run_release(&r);
        desk_says(&f.desk, EX_TEMPFAIL, rows[i].text, "get", "--retries", "0",
                  "--conflict", rows[i].conflict, "/file", "far/", NULL);
        faulty_end(&f);
    }
}

/* A source stays if its disk can't show that it has changed again. */
Test(client_disks, a_disk_of_whole_seconds, .timeout = 60)
{
    static const struct {
        const char *path;
        time_t age;
        bool stays;
    } rows[] = {
        { "far/new", -1, true },    { "far/ahead", -3600, false },
        { "far/old", 3600, false }, { "new", -3600, false },
        { "old", 3600, false },
    };
    static struct far f;

    far_keeps(&f);
    f.fuse = fuse_mount_tree_without("far", "nanoseconds");
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        const char *path = rows[i].path;

        files_write(path, "text", 4, 0644);
        files_set_time(path, time(NULL) - rows[i].age);
        desk_says(&f.server.desk, rows[i].stays ? EX_TEMPFAIL : 0,
                  rows[i].stays ? "it may have changed again" : NULL, "put",
                  "--remove-source", "--conflict=overwrite", path, "/", NULL);
        cr_expect_eq(files_exists(path), rows[i].stays, "%s", path);
    }
    far_end(&f);
}

/* A source stays if another machine writes into it, although the kernel here
 * keeps the old facts. */
Test(client_disks, a_disk_that_others_write_to, .timeout = 60)
{
    static struct far f;

    far_keeps(&f);
    f.fuse = fuse_mount_tree_without("far", "news");
    files_write("far/f", "text", 4, 0644);
    desk_says(&f.server.desk, EX_TEMPFAIL, "it has changed since it was read",
              "put", "--remove-source", "far/f", "/", NULL);
    cr_expect(files_exists("far/f"));
    far_end(&f);
}

/* A disk that is unmounted during the first file is a failure, whether it is
 * the tree or lies in it. */
Test(client_disks, a_disk_that_goes, .timeout = 120)
{
    static const char *const calls[][5] = {
        { "put", "-r", "here", "/" },
        { "sync", "here", "/" },
        { "get", "-r", "--conflict=overwrite", "/.", "here" },
        { "sync", "/", "here" },
    };
    static const char *const disks[] = { "here", "here/in" };
    static struct far f;
    char path[64], text[64];

    for (size_t i = 0; i < 8; i++) {
        const char *const *c = calls[i / 2], *disk = disks[i % 2];

        far_keeps(&f);
        files_make_folder("here", 0755);
        files_make_folder("here/in", 0755);
        f.fuse = fuse_mount_tree_without(disk, "presence");
        if (i % 2 == 0)
            files_make_folder("here/in", 0755);
        files_make_folder("kept/anna/in", 0755);
        for (size_t k = 0; k < 2; k++) {
            snprintf(path, sizeof(path), "%s/%zu",
                     i >= 4 ? "kept/anna/in" : "here/in", k);
            files_write(path, "text", 4, 0644);
        }
        snprintf(text, sizeof(text), "%s: was replaced or removed", disk);
        desk_says(&f.server.desk, EX_NOINPUT, text, c[0], c[1], c[2], c[3],
                  c[4], NULL);
        fuse_unmount(disk, f.fuse);
        faulty_end(&f.server);
    }
}

/* So it is if it goes between its name and its turn. */
Test(client_disks, a_disk_that_goes_before_its_turn, .timeout = 60)
{
    static const char *const calls[][2] = { { "put", "-r" }, { "sync", "-q" } };
    static struct far f;

    for (size_t i = 0; i < 2; i++) {
        far_keeps(&f);
        files_make_folder("here", 0755);
        files_make_folder("here/in", 0755);
        f.fuse = fuse_mount_tree_without("here/in", "patience");
        desk_says(&f.server.desk, EX_NOINPUT,
                  "here/in: was replaced or removed", calls[i][0], calls[i][1],
                  "here", "/", NULL);
        fuse_unmount("here/in", f.fuse);
        faulty_end(&f.server);
    }
}

/* The server has the directory of the source, so the upload replaces the
 * source: the only copy stays, also if its facts are the source's. */
ServerTest(client_disks, a_source_that_its_copy_replaces, 60, PLAN(0))
{
    const char *home = server_home(server, "anna");
    struct stat st;
    struct desk d;

    cr_assert_eq(stat(home, &st), 0);
    pid_t fuse = fuse_mount_tree_without(home, "identity");
    cr_assert_eq(chown(home, st.st_uid, st.st_gid), 0);
    desk_begin_alone(&d);
    snprintf(d.url, sizeof(d.url), "ftps://anna@127.0.0.1:%u", server->port);
    snprintf(d.ca, sizeof(d.ca), "%s", server_path(server, "certificate.pem"));
    cr_assert_eq(symlink(home, "home"), 0);
    files_write("home/f", "text", 4, 0644);
    files_give_to_owner_of(home, "home/f");
    files_set_time("home/f", 1000000000);
    desk_says(&d, EX_TEMPFAIL, "it has changed since it was read", "put",
              "--remove-source", "--conflict=overwrite", "home/f", "/", NULL);
    cr_expect(has("home/f", "text"));
    desk_end(&d);
    fuse_unmount(home, fuse);
}

static const char *const folding[] = { "case", "spellings" };

/* If two files of the server are one here, the second never replaces the first:
 * not in the next call either, when the first is the same already. */
Test(client_disks, a_disk_that_folds_two_names, .timeout = 240)
{
    static const char *const calls[][6] = {
        { "sync", "/", "far" },
        { "sync", "/", "far" },
        { "sync", "-P4", "/", "far" },
        { "get", "-r", "--conflict=overwrite", "/", "far" },
        { "get", "-r", "--conflict=overwrite", "--remove-source", "/*", "far" },
        { "get", "-r", "--conflict=overwrite", "--remove-source", "/", "far" },
    };
    static const char *const names[][2] = { { "F", "f" }, { "D/x", "d/x" } };
    static const size_t count = sizeof(calls) / sizeof(calls[0]);
    static struct far f;

    for (size_t i = 0; i < 2 * 2 * count; i++) {
        const char *const *c = calls[i % count];
        const char *const *name = names[i / count % 2];
        char path[64];

        if (i % count != 1) {
            far_keeps(&f);
            f.fuse = fuse_mount_tree_without("far", folding[i / count / 2]);
            for (size_t k = 0; k < 2; k++) {
                snprintf(path, sizeof(path), "kept/anna/%.1s", name[k]);
                if (name[k][1])
                    files_make_folder(path, 0755);
                snprintf(path, sizeof(path), "kept/anna/%s", name[k]);
                files_write(path, k ? "other" : "first", 5, 0644);
                files_set_time(path, 1000000000);
            }
        }
        desk_says(&f.server.desk, EX_CANTCREAT, "on this disk another", c[0],
                  c[1], c[2], c[3], c[4], c[5], NULL);
        bool kept[2];
        for (size_t k = 0; k < 2; k++) {
            const char *const text = k ? "other" : "first";

            snprintf(path, sizeof(path), "far/%s", name[0]);
            kept[k] = has(path, text);
            snprintf(path, sizeof(path), "kept/anna/%s", name[k]);
            kept[k] |= has(path, text);
        }
        cr_expect(kept[0] && kept[1], "%zu", i);
        if (i % count != 0)
            far_end(&f);
    }
}

/* On another disk both come, a second sync changes nothing, and both are
 * replaced. */
Test(client_disks, a_disk_that_keeps_two_names, .timeout = 60)
{
    static const char *const names[] = { "F", "f", "D/x", "d/x" };
    static const char *const calls[][5] = {
        { "4 downloaded, 0 the same", "sync", "/", "here" },
        { "0 downloaded, 4 the same", "sync", "/", "here" },
        { NULL, "get", "-r", "--conflict=overwrite", "/." },
    };
    static struct far f;
    char path[64];

    far_keeps(&f);
    files_make_folder("here", 0755);
    files_make_folder("kept/anna/D", 0755);
    files_make_folder("kept/anna/d", 0755);
    for (size_t k = 0; k < 4; k++) {
        snprintf(path, sizeof(path), "kept/anna/%s", names[k]);
        files_write(path, names[k], strlen(names[k]), 0644);
        files_set_time(path, 1000000000);
    }
    for (size_t i = 0; i < sizeof(calls) / sizeof(calls[0]); i++) {
        const char *const *c = calls[i];

        desk_says(&f.server.desk, 0, c[0], c[1], c[2], c[3], c[4],
                  i == 2 ? "here" : NULL, NULL);
        desk_same("kept/anna", "here");
    }
    faulty_end(&f.server);
}

/* A second link of the first file, as a snapshot by "cp -al" makes it, changes
 * nothing; and two names of the server can be links of one file here. */
Test(client_disks, a_disk_that_folds_two_names_with_links, .timeout = 60)
{
    static const char *const calls[][5] = {
        { "sync", "/", "far/t" },
        { "sync", "-P4", "/", "far/t" },
        { "sync", "--by-hash", "/", "far/t" },
        { "get", "-r", "--conflict=overwrite", "/", "far/t" },
    };
    static struct far f;

    for (size_t i = 0; i < sizeof(calls) / sizeof(calls[0]); i++) {
        const char *const *c = calls[i];

        far_keeps(&f);
        f.fuse = fuse_mount_tree_without("far", "case");
        files_make_folder("far/t", 0755);
        files_write("kept/anna/F", "first", 5, 0644);
        files_write("kept/anna/f", "other, and longer", 17, 0644);
        files_write("kept/anna/same", "first", 5, 0644);
        files_write("far/t/F", "first", 5, 0644);
        cr_assert_eq(link("far/t/F", "far/snapshot"), 0);
        cr_assert_eq(link("far/t/F", "far/t/same"), 0);
        files_set_time("kept/anna/F", 1000000000);
        files_set_time("kept/anna/same", 1000000000);
        files_set_time("far/t/F", 1000000000);
        desk_says(&f.server.desk, EX_CANTCREAT, "another file of this command",
                  c[0], c[1], c[2], c[3], c[4], NULL);
        desk_same("far/t/F", "kept/anna/F");
        desk_same("far/t/same", "kept/anna/same");
        far_end(&f);
    }
}

static const struct {
    const char *path, *text;
} folded[] = {
    { "t/F", "one" },
    { "t/f", "two" },
    { "t/D/x", "three" },
    { "t/d/x", "four" },
};
#define FOLDED (sizeof(folded) / sizeof(folded[0]))

/* Makes t here, with all files, and t there, with the old file BEFORE. */
static void folding_fill(const char *home, const char *before)
{
    char there[SERVER_PATH_MAX];

    files_make_folder("t", 0755);
    files_make_folder("t/D", 0755);
    files_make_folder("t/d", 0755);
    for (size_t k = 0; k < FOLDED; k++)
        files_write(folded[k].path, folded[k].text, strlen(folded[k].text),
                    0644);
    for (size_t k = 0; k < 3; k++) {
        static const char *const folders[] = { "t", "t/D", NULL };
        const char *path = folders[k] ? folders[k] : before;

        if (strncmp(before, path, strlen(path)) != 0)
            continue;
        snprintf(there, sizeof(there), "%s/%s", home, path);
        if (folders[k])
            files_make_folder(there, 0755);
        else
            files_write(there, "old", 3, 0644);
        files_give_to_owner_of(home, there);
    }
}

/* If two files or directories of this machine are one on the server, the second
 * never replaces the first, whatever the command, the number of links, and what
 * is there already: each file is here or there, and a second sync changes
 * nothing. */
ServerTest(client_disks, a_server_that_folds_names, 240, PLAN(0))
{
    static const char *const befores[] = { "t/other", "t/F", "t/f", "t/D/x" };
    static const char *const calls[][7] = {
        { "sync", "-P4", "t", "/t" },
        { "put", "-rP4", "--conflict=overwrite", "--remove-source", "t", "/" },
        { "put", "-r", "--conflict=overwrite", "--remove-source", "t/D", "t/d",
          "/t/" },
        { "put", "-P4", "--conflict=overwrite", "--remove-source", "t/F", "t/f",
          "/t/" },
    };
    const char *home = server_home(server, "anna");
    char there[SERVER_PATH_MAX];
    struct stat st;
    struct desk d;

    cr_assert_eq(stat(home, &st), 0);
    pid_t fuse = fuse_mount_tree_without(home, "case");
    cr_assert_eq(chown(home, st.st_uid, st.st_gid), 0);
    for (size_t i = 0; i < sizeof(calls) / sizeof(calls[0]) * 4; i++) {
        const char *const *c = calls[i / 4];
        bool kept[FOLDED];

        desk_begin_alone(&d);
        snprintf(d.url, sizeof(d.url), "ftps://anna@127.0.0.1:%u",
                 server->port);
        snprintf(d.ca, sizeof(d.ca), "%s",
                 server_path(server, "certificate.pem"));
        folding_fill(home, befores[i % 4]);
        for (int twice = 0; twice < 1 + (c[0][0] == 's'); twice++) {
            desk_says(&d, EX_CANTCREAT, "this is another file's", c[0], c[1],
                      c[2], c[3], c[4], c[5], c[6], NULL);
            for (size_t k = 0; k < FOLDED; k++) {
                snprintf(there, sizeof(there), "%s/%s", home, folded[k].path);
                bool yes = has(there, folded[k].text);

                cr_expect(yes || has(folded[k].path, folded[k].text), "%zu: %s",
                          i, folded[k].path);
                cr_expect(!twice || yes == kept[k], "%zu: %s", i,
                          folded[k].path);
                kept[k] = yes;
            }
        }
        desk_end(&d);
        snprintf(there, sizeof(there), "%s/t", home);
        scratch_remove_tree(there);
    }
    fuse_unmount(home, fuse);
}

/* If a name is new, but the server's disk takes it for a name that only the
 * server has, no call replaces the server's file. */
ServerTest(client_disks, a_server_that_has_the_other_name, 240, PLAN(0))
{
    static const char *const rows[][2] = {
        { "t/F", "t/f" },
        { "t/f", "t/F" },
        { "t/d/x", "t/D/x" },
    };
    static const char *const calls[][6] = {
        { "sync", "t", "/t" },
        { "sync", "-P4", "--by-hash", "t", "/t" },
        { "put", "-r", "--conflict=overwrite", "t", "/" },
        { "put", "-rP4", "--conflict=overwrite", "t/.", "/t" },
    };
    const char *home = server_home(server, "anna");
    char there[SERVER_PATH_MAX];
    struct stat st;
    struct desk d;

    cr_assert_eq(stat(home, &st), 0);
    pid_t fuse = fuse_mount_tree_without(home, "case");
    cr_assert_eq(chown(home, st.st_uid, st.st_gid), 0);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        desk_begin_alone(&d);
        snprintf(d.url, sizeof(d.url), "ftps://anna@127.0.0.1:%u",
                 server->port);
        snprintf(d.ca, sizeof(d.ca), "%s",
                 server_path(server, "certificate.pem"));
        folding_fill(home, rows[i][1]);
        for (size_t k = 0; k < FOLDED; k++)
            if (strcmp(folded[k].path, rows[i][0]) != 0)
                unlink(folded[k].path);
        rmdir("t/D"); /* unless it has the file */
        rmdir("t/d");
        for (size_t k = 0; k < sizeof(calls) / sizeof(calls[0]); k++) {
            const char *const *c = calls[k];

            desk_says(&d, EX_CANTCREAT, "this is another file's", c[0], c[1],
                      c[2], c[3], c[4], c[5], NULL);
            snprintf(there, sizeof(there), "%s/%s", home, rows[i][1]);
            cr_expect(has(there, "old"), "%zu, %zu", i, k);
        }
        desk_end(&d);
        snprintf(there, sizeof(there), "%s/t", home);
        scratch_remove_tree(there);
    }
    fuse_unmount(home, fuse);
}

static const char *const twins[] = { "t/f\u00c4\u00b5", "t/F\u00e4\u039c" };

/* Begins a played server, and its user gets LIE; see faulty_server.py. */
static void twins_begin(struct faulty *f, const char *fault, const char *lie,
                        char there[64])
{
    char port[16];

    faulty_begin(f, fault, "good");
    snprintf(port, sizeof(port), "%s", strrchr(f->desk.url, ':'));
    snprintf(f->desk.url, sizeof(f->desk.url), "ftps://anna%s@127.0.0.1%s", lie,
             port);
    snprintf(there, 64, "kept/anna%s", lie);
    files_make_folder("kept", 0755);
    files_make_folder(there, 0755);
    files_make_folder("parts", 0755);
    files_make_folder("t", 0755);
}

static const char *const twin_calls[][7] = {
    { "put", "-r", "--conflict=overwrite", "t", "/" },
    { "put", "-rP4", "--conflict=overwrite", "--remove-source", "t", "/" },
    { "put", "-P4", "--conflict=overwrite", "--remove-source",
      "t/f\u00c4\u00b5", "t/F\u00e4\u039c", "/t/" },
    { "sync", "-P4", "t", "/t" },
};
#define TWIN_CALLS (sizeof(twin_calls) / sizeof(twin_calls[0]))

/* If the listing that decides is refused or cut, the next try doesn't replace
 * the first file either. */
Test(client_disks, twins_without_a_listing, .timeout = 240)
{
    static const struct {
        const char *lie, *text;
        int status;
    } rows[] = {
        { "", "this is another file's", EX_CANTCREAT },
        { ",MLSD,425,before,1", "this is another file's", EX_CANTCREAT },
        { ",MLSD,lost,before,1", "this is another file's", EX_CANTCREAT },
        { ",MLSD,425,before", "425 always", EX_TEMPFAIL },
        { ",MLSD,550,before", "550 always", EX_NOINPUT },
    };
    char there[64], path[128];
    struct faulty f;

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        for (size_t k = 0; k < TWIN_CALLS; k++) {
            const char *const *c = twin_calls[k];

            twins_begin(&f, "folds", rows[i].lie, there);
            snprintf(path, sizeof(path), "%s/t", there);
            if (c[6]) /* a walk lists the directory, unless it makes it */
                files_make_folder(path, 0755);
            for (size_t n = 0; n < 2; n++)
                files_write(twins[n], twins[n], strlen(twins[n]), 0644);
            desk_says(&f.desk, rows[i].status, rows[i].text, "--retries=1",
                      "--timeout=5", c[0], c[1], c[2], c[3], c[4], c[5], c[6],
                      NULL);
            for (size_t n = 0; n < 2; n++) {
                snprintf(path, sizeof(path), "%s/%s", there, twins[n]);
                cr_expect(has(twins[n], twins[n]) || has(path, twins[n]),
                          "%zu, %zu: %s", i, k, twins[n]);
            }
            faulty_end(&f);
        }
}

/* A server that doesn't fold names stores both files, and replaces both. */
Test(client_disks, twins_that_are_two_files, .timeout = 120)
{
    static const char *const texts[] = { "one", "other" };
    char there[64], path[128];
    struct faulty f;

    for (size_t k = 0; k < TWIN_CALLS; k++) {
        const char *const *c = twin_calls[k];

        twins_begin(&f, "sallyport", "", there);
        snprintf(path, sizeof(path), "%s/t", there);
        files_make_folder(path, 0755);
        for (size_t run = 0; run < 2; run++) {
            for (size_t n = 0; n < 2; n++)
                files_write(twins[n], texts[run], strlen(texts[run]), 0644);
            desk_says(&f.desk, 0, NULL, c[0], c[1], c[2], c[3], c[4], c[5],
                      c[6], NULL);
            for (size_t n = 0; n < 2; n++) {
                snprintf(path, sizeof(path), "%s/%s", there, twins[n]);
                cr_expect(has(path, texts[run]), "%zu, %zu: %s", k, run, path);
            }
        }
        faulty_end(&f);
    }
}

/* A name without a twin needs no listing of its own, and no server that can
 * refuse a taken name. */
Test(client_disks, names_without_a_twin, .timeout = 60)
{
    static const char *const calls[][7] = {
        { "put", "-r", "--conflict=overwrite", "t", "/" },
        { "put", "--conflict=overwrite", "t/a", "t/b", "/t/" },
        { "sync", "t", "/t" },
    };
    char there[64], path[128];
    struct faulty f;

    for (size_t k = 0; k < sizeof(calls) / sizeof(calls[0]); k++) {
        const char *const *c = calls[k];

        twins_begin(&f, "sallyport", "", there);
        snprintf(path, sizeof(path), "%s/t", there);
        files_make_folder(path, 0755);
        files_write("t/a", "a", 1, 0644);
        files_write("t/b", "b", 1, 0644);
        desk_says(&f.desk, 0, NULL, c[0], c[1], c[2], c[3], c[4], c[5], c[6],
                  NULL);
        cr_expect_eq(faulty_count("STOR"), 2);
        cr_expect_eq(faulty_count("OPTS STOR conflict=overwrite"), 1, "%zu", k);
        cr_expect_eq(faulty_count("OPTS STOR"), 1, "%zu", k);
        cr_expect_eq(faulty_count("MLSD"), k != 1, "%zu", k);
        faulty_end(&f);
    }
}
