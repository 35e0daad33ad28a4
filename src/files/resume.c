/* Where an upload begins, in the process files. Pure: it opens and asks
 * nothing. A wrong answer here would put one half of one file behind the other
 * half of another, so whatever doesn't fit together is refused. */
#include "resume.h"

uint64_t resume_length(uint64_t held)
{
    return held == 0 ? 0 : (held - 1) / RESUME_BLOCK * RESUME_BLOCK;
}

static enum outcome plan(struct resume_plan *ret, enum resume_how how,
                         uint64_t first)
{
    ret->how = how;
    ret->first = first;
    return OUTCOME_OK;
}

/* Is what was told still so? Length alone says little: another session may have
 * begun the partial anew since. */
static bool stands(const struct resume_facts *f)
{
    return f->told <= f->resumable && f->told_state == f->state;
}

/* The client's offset belongs to the file that it knows: the partial, if SIZE
 * told it of that; else what has the name, and a partial only where nothing
 * has. Where that stays, the rest of another file behind its bytes would be a
 * third one, which nobody sent. */
static enum outcome decide_store(const struct resume_facts *f,
                                 struct resume_plan *ret)
{
    bool partial = f->told > 0 || !f->finished;

    if (f->offset == 0)
        return plan(ret, RESUME_ANEW, 0);
    if (f->told > 0 && !stands(f))
        return OUTCOME_BUSY;
    if (!partial && f->stays)
        return OUTCOME_STAYS;
    if (f->offset > (partial ? f->resumable : f->size))
        return OUTCOME_BAD_OFFSET;
    return plan(ret, partial ? RESUME_CUT : RESUME_COPY, f->offset);
}

/* A client that was told a partial's length sends only what lies behind it; so
 * when that partial has changed since, or it isn't known any more what was
 * told, BUSY makes the client ask again. */
static enum outcome decide_append(const struct resume_facts *f,
                                  struct resume_plan *ret)
{
    if (f->told > 0)
        return (!f->finished || f->stays) && stands(f)
                   ? plan(ret, RESUME_CUT, f->told)
                   : OUTCOME_BUSY;
    if (f->finished && f->stays)
        return OUTCOME_STAYS;
    if (f->finished)
        return plan(ret, RESUME_COPY, f->size);
    if (f->forgot && f->resumable > 0)
        return OUTCOME_BUSY;
    return plan(ret, RESUME_ANEW, 0);
}

enum outcome resume_decide(const struct resume_facts *facts,
                           struct resume_plan *ret)
{
    return facts->mode == WRITE_APPEND ? decide_append(facts, ret)
                                       : decide_store(facts, ret);
}
