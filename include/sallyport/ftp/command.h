/* The command table: who knows it knows the protocol. FEAT, HELP, the phase,
 * argument and rights checks and the masking in the log come from the rows. */
#ifndef SALLYPORT_FTP_COMMAND_H
#define SALLYPORT_FTP_COMMAND_H

#include <stdbool.h>
#include <stddef.h>

#include "sallyport/base/buf.h"
#include "sallyport/base/slice.h"

enum verb {
    VERB_NONE, /* unknown */
    VERB_AUTH,
    VERB_PBSZ,
    VERB_PROT,
    VERB_CCC,
    VERB_USER,
    VERB_PASS,
    VERB_ACCT,
    VERB_REIN,
    VERB_QUIT,
    VERB_FEAT,
    VERB_OPTS,
    VERB_SYST,
    VERB_HELP,
    VERB_NOOP,
    VERB_STAT,
    VERB_HOST,
    VERB_TYPE,
    VERB_MODE,
    VERB_STRU,
    VERB_PWD,
    VERB_CWD,
    VERB_CDUP,
    VERB_MKD,
    VERB_RMD,
    VERB_DELE,
    VERB_RNFR,
    VERB_RNTO,
    VERB_SIZE,
    VERB_MDTM,
    VERB_MLST,
    VERB_PASV,
    VERB_EPSV,
    VERB_PORT,
    VERB_EPRT,
    VERB_LIST,
    VERB_NLST,
    VERB_MLSD,
    VERB_RETR,
    VERB_STOR,
    VERB_APPE,
    VERB_REST,
    VERB_ABOR,
    VERB_ALLO,
    VERB_SMNT,
    VERB_ADAT,
    VERB_MIC,
    VERB_CONF,
    VERB_ENC,
    VERB_MFMT,
    VERB_MFF,
    VERB_SITE,
    VERB_STOU,
    VERB_AVBL,
    VERB_CLNT,
    VERB_CSID,
    VERB_PRET,
    VERB_HASH,
    VERB_RANG,
    VERB_XSHA256,
    VERB_XSHA512,
    VERB_XCRC,
    VERB_COUNT
};

/* What must have happened before. */
enum command_phase {
    COMMAND_ALWAYS,  /* also before TLS */
    COMMAND_SECURED, /* TLS is up */
    COMMAND_NAMED,   /* USER was given */
    COMMAND_LOGGED_IN
};

enum command_argument {
    ARGUMENT_NONE,
    ARGUMENT_OPTIONAL,
    ARGUMENT_REQUIRED,
    ARGUMENT_PATH, /* one literal path */
    ARGUMENT_OPTIONAL_PATH
};

enum command_data { DATA_NONE, DATA_TO_CLIENT, DATA_FROM_CLIENT };

enum command_flag {
    COMMAND_IN_TRANSFER = 1, /* allowed while data flows */
    COMMAND_SECRET = 2,      /* the argument is *** in the log */
    COMMAND_HIDDEN = 4,      /* not in HELP */
    COMMAND_REFUSED = 8,     /* known, and never done: see refusal */
    COMMAND_KEEPS_REST = 16, /* does not reset a pending REST */
    COMMAND_KEEPS_RNFR = 32, /* does not reset a pending RNFR */
    COMMAND_ACTIVE = 64,     /* refused, and not in FEAT, but in active mode */
    COMMAND_FEAT_Z = 128,    /* in FEAT only where MODE Z is on */
    COMMAND_FILE = 256,      /* 550 where the path ends in "/" */
};

struct command {
    const char *name;
    enum verb verb;
    enum command_phase phase;
    enum command_argument argument;
    unsigned rights; /* enum right bits (sallyport/domain/rights.h), any of
                        which is enough; 0: none */
    enum command_data data;
    unsigned flags;
    unsigned short refusal; /* COMMAND_REFUSED, COMMAND_ACTIVE: enum reply */
    const char *feat;       /* its FEAT lines, '\n' between, or NULL; "{}" is
                               what there is to choose from */
    const char *rfc;
    const char *help; /* the HELP text: syntax ("RETR path") */
};
/* Sorted by name. Aliases (XPWD, …) are rows with the same verb. */
extern const struct command command_table[];
extern const size_t command_count;

/* "no right to overwrite (o)", or "no right to list (l) or upload (w)", for
 * users and the log: RIGHTS are enum right bits (sallyport/domain/rights.h).
 * Returns OUT. */
#define COMMAND_LACKS_MAX 192
const char *command_lacks(unsigned rights, char out[COMMAND_LACKS_MAX]);

/* By name, letters in either case; NULL: unknown. */
const struct command *command_find(struct slice name);

/* The verb's first row: its name, or "?". */
const char *command_name(enum verb verb);

/* Splits "VERB rest": the verb up to the first blank; the argument is
 * everything behind that one blank, verbatim. Telnet's IP and Synch in front of
 * the verb are passed over: lftp sends them with ABOR and STAT inside TLS, too.
 */
struct request {
    struct slice verb, argument;
    const struct command *command; /* NULL: unknown */
};
void request_parse(struct slice line, struct request *ret);

/* What HASH may compute, as clients name it. */
enum hash_choice { HASH_SHA256, HASH_SHA512, HASH_COUNT };
extern const char *const hash_names[HASH_COUNT];

/* What a session has chosen with OPTS; FEAT shows it with a '*'. */
struct choices {
    bool active, mode_z; /* the server's choices */
    enum hash_choice hash;
    unsigned facts; /* enum listing_fact bits */
};

/* Lines of the FEAT reply, and of HELP (with a name: that one's syntax; -EINVAL
 * when unknown), from the table; each as reply_line() adds it, so between
 * reply_begin() and reply_end(). 0 or -ENOBUFS */
int command_feat(const struct choices *c, struct buf *into);
int command_help(struct slice name, struct buf *into);

#endif
