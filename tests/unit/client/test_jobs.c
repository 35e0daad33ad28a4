/* Tests the queue of jobs: its order, its ends, its limits. No job here needs a
 * link. */
#include <malloc.h>

#include "client/transfer/transfer.h"
#include "support/test.h"

/* The queue has a limit, since a server can list files without an end. */
Test(jobs, have_a_limit)
{
    const struct job job = { .kind = JOB_GET };
    struct jobs j;

    jobs_begin(&j, NULL);
    for (size_t i = 0; i < 10; i++) {
        char here[] = { 'h', 'e', 'r', (char)('a' + i), '\0' };

        jobs_add(&j, &job, here, "there");
        if (i == 0)
            j.most = 10 * j.bytes;
    }
    cr_expect_not(jobs_ended(&j));
    cr_expect_eq(j.code, 0);
    jobs_add(&j, &job, "", "");
    jobs_add(&j, &job, "", "");
    cr_expect(jobs_ended(&j));
    cr_expect_eq(j.files, 10);
    cr_expect_eq(j.lost, 1, "this is said once");
    cr_expect_eq(j.code, EX_DATAERR);
    jobs_release(&j);
}

/* jobs_drop() keeps the names of files, and frees the rest. */
Test(jobs, have_room_again)
{
    const struct job walk = { .kind = JOB_WALK }, file = { .kind = JOB_PUT };
    struct jobs j;

    jobs_begin(&j, NULL);
    jobs_add(&j, &walk, "a", "b");
    jobs_drop(&j);
    cr_expect_eq(j.bytes, 0);
    jobs_add(&j, &file, "a", "b");
    jobs_drop(&j);
    cr_expect_gt(j.bytes, 0);
    jobs_release(&j);
}

/* Two uploads have the same name, so the second one finds the name taken. The
 * next command begins without names. */
Test(jobs, with_the_same_name)
{
    const struct job job = { .kind = JOB_PUT, .known = true };
    struct jobs j;

    for (size_t i = 0; i < 2; i++) {
        jobs_begin(&j, NULL);
        jobs_add(&j, &job, "a/x", "x");
        jobs_add(&j, &job, "b/x", "x");
        cr_assert_eq(j.others.count, 2);
        cr_expect_not(j.others.first->taken);
        const struct job *last = j.others.last;
        cr_expect(last->twice);
        jobs_release(&j);
    }
}

/* The client doesn't transfer the same file twice, and refuses another file for
 * the same target. */
Test(jobs, that_come_twice)
{
    static const enum job_kind kinds[] = { JOB_GET, JOB_PUT };

    for (size_t i = 0; i < 2; i++) {
        const struct job job = { .kind = kinds[i] };
        bool put = kinds[i] == JOB_PUT;
        struct jobs j;

        jobs_begin(&j, NULL);
        j.once = true;
        jobs_add(&j, &job, "a/x", "a/x");
        jobs_add(&j, &job, "a/x", "a/x");
        cr_expect_eq(j.files, 1);
        cr_expect_eq(j.code, 0);
        jobs_add(&j, &job, put ? "b/x" : "a/x", put ? "a/x" : "b/x");
        cr_expect_eq(j.code, EX_USAGE);
        cr_expect_eq(j.files, 1);
        jobs_add(&j, &job, "-", "a");
        jobs_add(&j, &job, "-", "b");
        cr_expect_eq(j.files, 3, "standard output");
        jobs_release(&j);
    }
}

/* Adds jobs of KIND with paths of a hundred bytes. */
static void add_some(struct jobs *j, enum job_kind kind, size_t n)
{
    const struct job job = { .kind = kind };
    char path[101];

    for (size_t i = 0; i < n; i++) {
        snprintf(path, sizeof(path), "%0100zu", i);
        jobs_add(j, &job, path, path);
    }
}

/* The limit is one of memory, so `bytes` must be at least the memory that the
 * jobs hold. */
Test(jobs, count_what_they_hold)
{
    static const enum job_kind kinds[] = { JOB_GET, JOB_WALK };
    struct jobs j;

    for (size_t i = 0; i < 2; i++) {
        jobs_begin(&j, NULL);
        size_t before = mallinfo2().uordblks;
        add_some(&j, kinds[i], 1000);
        cr_expect_geq(before + j.bytes, mallinfo2().uordblks, "%zu counted",
                      j.bytes);
        jobs_drop(&j);
        cr_expect_geq(before + j.bytes, mallinfo2().uordblks, "%zu counted",
                      j.bytes);
        jobs_release(&j);
    }
}

/* There is room for the names of two million files with paths of a hundred
 * bytes, and half a million of them wait. */
Test(jobs, have_room)
{
    static const enum job_kind kinds[] = { JOB_GET, JOB_PUT };
    struct jobs j;

    for (size_t i = 0; i < 2; i++) {
        jobs_begin(&j, NULL);
        add_some(&j, kinds[i], 1);
        size_t all = j.bytes;
        jobs_drop(&j);
        size_t name = j.bytes;
        cr_expect_leq(2000000 * name + 500000 * (all - name), JOBS_BYTES_MAX);
        jobs_release(&j);
    }
}

/* Plays a walk through the directories "r", "a" and "b". `seen` gets a letter
 * for each job: the directory's name; "f" for a file; "e" for the end of a
 * directory, or "S" if something in it has failed. */
struct played {
    struct jobs jobs;
    char seen[256];
    size_t len;
    int files; /* in each directory */
    bool fail; /* each file fails */
};

static void see(struct played *p, char c)
{
    cr_assert_lt(p->len + 1, sizeof(p->seen));
    p->seen[p->len++] = c;
}

static int play_file(void *of, struct job *job, struct link *l,
                     struct failure *why)
{
    struct played *p = of;

    (void)job;
    (void)l;
    see(p, 'f');
    return p->fail ? fail(why, EX_NOINPUT, "as wanted") : 0;
}

static int play_end(void *of, struct job *job, struct link *l,
                    struct failure *why)
{
    (void)l;
    (void)why;
    see(of, job->stays ? 'S' : 'e');
    return 0;
}

/* Adds the files of a directory, and to the first directory two others. */
static int play_walk(void *of, struct job *job, struct link *l,
                     struct failure *why)
{
    struct played *p = of;
    const struct job file = { .kind = JOB_CHANGE,
                              .step = play_file,
                              .above = job };
    struct job in = *job;

    (void)l;
    (void)why;
    see(p, job->local[0]);
    in.above = job;
    for (int i = 0; i < p->files; i++)
        jobs_add(&p->jobs, &file, "", "file");
    if (!job->above) {
        jobs_add(&p->jobs, &in, "a", "directory");
        jobs_add(&p->jobs, &in, "b", "directory");
    }
    return 0;
}

#define FILES_15 "fffffffffffffff"

static const struct {
    const char *what;
    struct played p;
    const char *expected;
} plays[] = {
    { "directories are listed in their order, before the files in them; each "
      "ends after what is in it",
      { .files = 1 },
      "rabffefee" },
    { "if there is enough to do, no other directory is listed",
      { .files = 17 },
      "rffa" FILES_15 "ffb" FILES_15 "e" FILES_15 "ffee" },
    { "a failure reaches all directories above it",
      { .files = 1, .fail = true },
      "rabffSfSS" },
};

Test(jobs, of_a_walk)
{
    static const struct options o = { .parallel = 1 };
    static const struct site site = { .options = &o };
    const struct job job = { .kind = JOB_WALK,
                             .step = play_walk,
                             .last = play_end };
    static struct link none;

    progress_start(PROGRESS_QUIET, false);
    for (size_t i = 0; i < sizeof(plays) / sizeof(plays[0]); i++) {
        struct played p = plays[i].p;

        jobs_begin(&p.jobs, &p);
        jobs_add(&p.jobs, &job, "r", "root");
        jobs_run(&p.jobs, &site, &none);
        cr_expect_str_eq(p.seen, plays[i].expected, "%s", plays[i].what);
        cr_expect_eq(p.jobs.bytes, 0, "%s: a job is left", plays[i].what);
        jobs_release(&p.jobs);
    }
}
