/* Names on the server while files are uploaded: when their directory isn't
 * listed again. No link is there, so a listing would crash. */
#include <criterion/criterion.h>

#include "client/transfer/transfer.h"
#include "sallyport/base/clock.h"

/* A directory of the queue with a listing of COUNT names, LATE ms ago, and
 * FILES uploads to it that wait. */
struct scene {
    struct jobs jobs;
    struct listing all;
    struct file_transfer t;
};

static void scene_begin(struct scene *s, size_t count, uint64_t late,
                        size_t files)
{
    const struct job walk = { .kind = JOB_WALK };
    char name[32];

    jobs_begin(&s->jobs, NULL);
    jobs_add(&s->jobs, &walk, "here", "there");
    struct job *dir = jobs_pop(&s->jobs.walks);
    s->all = (struct listing){ .count = count,
                               .whole = true,
                               .at = clock_ms() - late };
    listed_begin(dir, &s->all);
    for (size_t i = 0; i < files; i++) {
        const struct job file = {
            .kind = JOB_PUT, .known = true, .listed = s->all.at, .above = dir
        };

        snprintf(name, sizeof(name), "%zu", i);
        jobs_add(&s->jobs, &file, name, name);
    }
    jobs_finish(&s->jobs, dir);
}

/* Begins and ends FILES uploads. */
static void scene_upload(struct scene *s, size_t files)
{
    for (size_t i = 0; i < files; i++) {
        s->t.job = jobs_pop(&s->jobs.others);
        listed_renew(&s->jobs, &s->t);
        cr_expect_not(s->t.job->taken);
        cr_expect_eq(s->t.job->listed, s->all.at);
        jobs_finish(&s->jobs, s->t.job);
    }
}

Test(listed, while_a_listing_is_new)
{
    static struct scene s;

    scene_begin(&s, 0, 0, 100);
    scene_upload(&s, 100);
    jobs_release(&s.jobs);
}

/* Six questions cost as much as a listing. */
Test(listed, while_few_files_come)
{
    static struct scene s;

    scene_begin(&s, 0, LISTED_MS, 100);
    scene_upload(&s, 6);
    jobs_release(&s.jobs);
}

Test(listed, for_the_last_files)
{
    static struct scene s;

    scene_begin(&s, 0, LISTED_MS, 6);
    scene_upload(&s, 6);
    jobs_release(&s.jobs);
}

/* 100 files in 50 s are ten in 5 s; a listing of 320 names costs 16. */
Test(listed, with_many_names)
{
    static struct scene s;

    scene_begin(&s, 320, 10 * LISTED_MS, 200);
    scene_upload(&s, 100);
    jobs_release(&s.jobs);
}

/* A name that the first listing doesn't answer is asked for. */
Test(listed, not_for_unknown_names)
{
    static struct scene s;

    scene_begin(&s, 0, LISTED_MS, 20);
    for (struct job *job = s.jobs.others.first; job; job = job->next)
        job->known = false;
    scene_upload(&s, 20);
    jobs_release(&s.jobs);
}
