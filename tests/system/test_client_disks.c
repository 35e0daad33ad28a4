/* Downloads to a file system that reports lost bytes only when a file is
 * closed, as network file systems can do, and to a file system that folds
 * case. */
#include "faulty.h"
#include "fuse.h"
#include "support/files.h"
#include "support/test.h"

ReportHook(PRE_ALL)(struct criterion_test_set *set)
{
    (void)set;
    faulty_prepare();
}

TestSuite(client_disks, .init = fuse_begin);

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

/* If two files of the server are one here, the second never replaces the first:
 * not in the next call either, when the first is the same already. */
Test(client_disks, a_disk_that_folds_two_names, .timeout = 60)
{
    static const char *const calls[][6] = {
        { "sync", "/", "far" },
        { "sync", "/", "far" },
        { "sync", "-P4", "/", "far" },
        { "get", "-r", "--conflict=overwrite", "--remove-source", "/", "far" },
    };
    static const char others[] = "on this disk another file of this command";
    static struct far f;

    faulty_begin(&f.server, "sallyport", "good");
    files_make_folder("kept", 0755);
    files_make_folder("kept/anna", 0755);
    files_make_folder("parts", 0755);
    files_make_folder("far", 0755);
    f.fuse = fuse_mount_without("far", "case");
    files_write("F", "first", 5, 0644);
    files_write("f", "other", 5, 0644);
    files_set_time("F", 1000000000);
    files_set_time("f", 1000000000);
    desk_says(&f.server.desk, 0, NULL, "put", "F", "f", "/", NULL);
    for (size_t i = 0; i < sizeof(calls) / sizeof(calls[0]); i++) {
        const char *const *c = calls[i];

        desk_says(&f.server.desk, EX_CANTCREAT, others, c[0], c[1], c[2], c[3],
                  c[4], c[5], NULL);
    }
    desk_same("far/F", "F");
    desk_says(&f.server.desk, 0, "other", "cat", "/f", NULL);
    far_end(&f);
}
