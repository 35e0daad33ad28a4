/* The tables of commands, and of commands that often follow others. */
#include "recipes.h"

#include <string.h>

static const struct recipe recipes[] = {
    { 9, 1, "STOR", make_path },       { 5, 0, "RETR", make_path },
    { 3, 0, "APPE", make_path },       { 2, 0, "STOU", make_path },
    { 1, 0, "STOU", make_nothing },    { 3, 1, "LIST", make_listed },
    { 3, 0, "MLSD", make_path },       { 1, 0, "MLSD", make_nothing },
    { 2, 0, "NLST", make_listed },     { 7, 1, "MKD", make_path },
    { 1, 0, "XMKD", make_path },       { 4, 0, "RMD", make_path },
    { 1, 0, "XRMD", make_path },       { 5, 1, "DELE", make_path },
    { 6, 0, "RNFR", make_path },       { 6, 0, "RNTO", make_path },
    { 6, 1, "CWD", make_path },        { 1, 0, "XCWD", make_path },
    { 2, 0, "CDUP", make_nothing },    { 1, 0, "XCUP", make_nothing },
    { 2, 1, "PWD", make_nothing },     { 1, 0, "XPWD", make_nothing },
    { 6, 0, "SIZE", make_path },       { 2, 0, "MDTM", make_mdtm },
    { 2, 0, "MFMT", make_timed },      { 2, 0, "MLST", make_path },
    { 1, 0, "MLST", make_nothing },    { 2, 1, "STAT", make_path },
    { 1, 1, "STAT", make_nothing },    { 6, 0, "REST", make_number },
    { 3, 0, "RANG", make_range },      { 1, 0, "ALLO", make_number },
    { 1, 0, "AVBL", make_path },       { 2, 0, "HASH", make_path },
    { 2, 0, "XCRC", make_summed },     { 1, 0, "XSHA256", make_summed },
    { 1, 0, "XSHA512", make_summed },  { 5, 0, "SITE", make_site },
    { 3, 1, "EPSV", make_nothing },    { 2, 0, "EPSV", make_family },
    { 1, 1, "PASV", make_nothing },    { 2, 1, "ABOR", make_nothing },
    { 2, 2, "NOOP", make_nothing },    { 1, 1, "SYST", make_nothing },
    { 1, 2, "FEAT", make_nothing },    { 1, 2, "HELP", make_command },
    { 1, 0, "HELP", make_nothing },    { 2, 2, "OPTS", make_option },
    { 2, 1, "TYPE", make_type },       { 1, 1, "MODE", make_letter },
    { 1, 1, "STRU", make_letter },     { 1, 3, "PROT", make_letter },
    { 1, 2, "PBSZ", make_number },     { 1, 1, "CLNT", make_rubbish },
    { 1, 1, "CSID", make_rubbish },    { 1, 1, "PRET", make_rubbish },
    { 1, 2, "HOST", make_rubbish },    { 1, 0, "PORT", make_rubbish },
    { 1, 0, "EPRT", make_rubbish },    { 1, 1, "REIN", make_nothing },
    { 1, 1, "CCC", make_nothing },     { 1, 1, "SMNT", make_path },
    { 1, 1, "ACCT", make_rubbish },    { 1, 1, "ADAT", make_rubbish },
    { 1, 20, "AUTH", make_mechanism }, { 1, 14, "USER", make_name },
    { 1, 16, "PASS", make_password },  { 1, 1, "QUIT", make_nothing },
    { 2, 3, "", make_line },
};

/* Commands that make sense after another one. */
static const struct follow {
    const char *first;
    struct recipe then;
} follows[] = {
    { "RNFR", { 3, 0, "RNTO", make_path } },
    { "RNFR", { 1, 0, "RNFR", make_path } },
    { "RNFR", { 1, 0, "NOOP", make_nothing } },
    { "NOOP", { 1, 0, "RNTO", make_path } },
    { "STOR", { 2, 0, "SIZE", make_same } },
    { "STOR", { 2, 0, "RETR", make_same } },
    { "STOR", { 1, 0, "STOR", make_same } },
    { "STOR", { 1, 0, "APPE", make_same } },
    { "STOR", { 1, 0, "DELE", make_same } },
    { "STOR", { 1, 0, "MFMT", make_timed } },
    { "STOR", { 1, 0, "HASH", make_same } },
    { "STOR", { 1, 0, "XCRC", make_same_summed } },
    { "STOR", { 1, 0, "RNFR", make_same } },
    { "STOR", { 1, 0, "MKD", make_same } },
    { RECIPE_CUT, { 4, 0, "SIZE", make_same } },
    { RECIPE_CUT, { 1, 0, "REST", make_block } },
    { RECIPE_CUT, { 1, 0, "STOR", make_same } },
    { RECIPE_CUT, { 1, 0, "DELE", make_same } },
    { "APPE", { 1, 0, "SIZE", make_same } },
    { "APPE", { 1, 0, "RETR", make_same } },
    { "SIZE", { 2, 0, "REST", make_block } },
    { "SIZE", { 2, 0, "APPE", make_same } },
    { "SIZE", { 1, 0, "STOR", make_same } },
    { "SIZE", { 1, 0, "DELE", make_same } },
    { "REST", { 3, 0, "STOR", make_same } },
    { "REST", { 2, 0, "RETR", make_same } },
    { "REST", { 1, 0, "APPE", make_same } },
    { "REST", { 1, 0, "SIZE", make_same } },
    { "RANG", { 2, 0, "RETR", make_same } },
    { "RANG", { 2, 0, "HASH", make_same } },
    { "RANG", { 1, 0, "STOR", make_same } },
    { "MFMT", { 1, 0, "MDTM", make_same } },
    { "MDTM", { 1, 0, "MDTM", make_same } },
    { "MKD", { 2, 0, "CWD", make_same } },
    { "MKD", { 1, 0, "RMD", make_same } },
    { "MKD", { 1, 0, "RNFR", make_same } },
    { "SITE", { 1, 0, "CWD", make_same } },
    { "SITE", { 1, 0, "LIST", make_same } },
    { "SITE", { 1, 0, "RMD", make_same } },
    { "CWD", { 1, 0, "PWD", make_nothing } },
    { "EPSV", { 1, 0, "LIST", make_nothing } },
    { "EPSV", { 1, 0, "EPSV", make_family } },
    { "ABOR", { 1, 0, "STOR", make_path } },
    { "AUTH", { 0, 6, "USER", make_name } },
    { "AUTH", { 0, 1, "PBSZ", make_number } },
    { "USER", { 0, 6, "PASS", make_password } },
    { "USER", { 0, 1, "USER", make_name } },
    { "PASS", { 0, 2, "USER", make_name } },
    { "PASS", { 0, 1, "STOR", make_path } },
    { "PASS", { 0, 1, "PROT", make_letter } },
    { "PROT", { 0, 1, "LIST", make_nothing } },
};

#define RECIPES (sizeof(recipes) / sizeof(*recipes))

static unsigned weight(const struct recipe *r, bool door)
{
    return door ? r->at_the_door : r->weight;
}

static const struct recipe *pick_any(struct dice *d, bool door)
{
    unsigned sum = 0;
    uint64_t at;

    for (size_t i = 0; i < RECIPES; i++)
        sum += weight(&recipes[i], door);
    at = dice_below(d, sum);
    for (size_t i = 0;; i++) {
        if (at < weight(&recipes[i], door))
            return &recipes[i];
        at -= weight(&recipes[i], door);
    }
}

/* Chooses a command that makes sense after FIRST. Returns NULL if there is
 * none. */
static const struct recipe *pick_behind(struct dice *d, bool door,
                                        const char *first)
{
    const struct recipe *found = NULL;
    unsigned sum = 0;

    for (size_t i = 0; i < sizeof(follows) / sizeof(*follows); i++) {
        const struct recipe *r = &follows[i].then;

        if (strcmp(follows[i].first, first) != 0 || weight(r, door) == 0)
            continue;
        sum += weight(r, door);
        if (dice_below(d, sum) < weight(r, door))
            found = r;
    }
    return found;
}

const struct recipe *recipe_pick(struct dice *d, bool door, const char *before)
{
    const struct recipe *r = NULL;

    if (door || strcmp(before, RECIPE_CUT) == 0 || dice_one_in(d, 2))
        r = pick_behind(d, door, before);
    return r ? r : pick_any(d, door);
}
