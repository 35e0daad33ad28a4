/* Where an upload begins, in the process files. Pure: it opens and asks
 * nothing. A wrong decision would join the halves of two files, so whatever
 * doesn't fit together is refused. */
#include "resume.h"

uint64_t resume_length(uint64_t held)
{
    return held == 0 ? 0 : (held - 1) / RESUME_BLOCK * RESUME_BLOCK;
}

static enum outcome resume_plan_of(struct resume_plan *ret, enum resume_how how,
                                   uint64_t first)
{
    ret->how = how;
    ret->first = first;
    return OUTCOME_OK;
}

/* Does the answer of SIZE still hold? The length alone doesn't show it: another
 * session may have started the partial again since. */
static bool resume_stands(const struct resume_facts *f)
{
    return f->told <= f->resumable && f->told_state == f->state;
}

/* The client's offset belongs to the file that it knows: the partial, if SIZE
 * reported it; otherwise the file of that name, or the partial if there is
 * none. If that file is kept, its bytes with the rest of another file would be
 * a third one, which nobody sent. */
static enum outcome resume_decide_store(const struct resume_facts *f,
                                        struct resume_plan *ret)
{
    bool partial = f->told > 0 || !f->finished;

    if (f->offset == 0)
        return resume_plan_of(ret, RESUME_ANEW, 0);
    if (f->told > 0 && !resume_stands(f))
        return OUTCOME_SIZE_FIRST;
    if (!partial && f->stays)
        return OUTCOME_STAYS;
    if (f->offset > (partial ? f->resumable : f->size))
        return OUTCOME_BAD_OFFSET;
    return resume_plan_of(ret, partial ? RESUME_CUT : RESUME_COPY, f->offset);
}

/* A client that knows a partial's length sends only the bytes after it. If the
 * partial has changed since, or this session doesn't know the answer, the
 * client must ask again: the rest alone would become the file. SIZE may have
 * come on another connection, or before an upload that was cut. If no SIZE has
 * reported a length, no client can know one, and this is the whole file. */
static enum outcome resume_decide_append(const struct resume_facts *f,
                                         struct resume_plan *ret)
{
    if (f->told > 0)
        return (!f->finished || f->stays) && resume_stands(f)
                   ? resume_plan_of(ret, RESUME_CUT, f->told)
                   : OUTCOME_SIZE_FIRST;
    if (f->finished && f->stays)
        return OUTCOME_STAYS;
    if (f->finished)
        return resume_plan_of(ret, RESUME_COPY, f->size);
    if (f->reported)
        return OUTCOME_SIZE_FIRST;
    return resume_plan_of(ret, RESUME_ANEW, 0);
}

enum outcome resume_decide(const struct resume_facts *facts,
                           struct resume_plan *ret)
{
    return facts->mode == WRITE_APPEND ? resume_decide_append(facts, ret)
                                       : resume_decide_store(facts, ret);
}
