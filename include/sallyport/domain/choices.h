/* Choices of an administrator: their words in the configuration and in the
 * users file, and their numbers in the processes. */
#ifndef SALLYPORT_DOMAIN_CHOICES_H
#define SALLYPORT_DOMAIN_CHOICES_H

#include <stdint.h>

/* The proof that a data connection must give. */
enum data_binding {
    BINDING_USER,    /* a TLS session of the same user and address */
    BINDING_SESSION, /* the TLS session of this control connection */
    BINDING_ADDRESS, /* only the client's address */
    BINDING_COUNT
};

#define BINDING_EXPECTED "user, session or address"
extern const char *const binding_words[BINDING_COUNT];

/* How to treat an upload to a name that is taken. */
enum conflict {
    CONFLICT_OVERWRITE, /* the new file replaces the old one */
    CONFLICT_RENAME,    /* the new file gets another name */
    CONFLICT_REJECT,    /* the upload is refused */
    CONFLICT_COUNT
};

#define CONFLICT_EXPECTED "overwrite, rename or reject"
extern const char *const conflict_words[CONFLICT_COUNT];

/* The endings of a data connection after which an upload counts as complete. */

/* A bare FIN is a FIN without TLS's close_notify: anybody on the path can forge
 * it. After a reset the upload always counts as cut. */
enum upload_eof {
    UPLOAD_EOF_STRICT,    /* close_notify */
    UPLOAD_EOF_SIZE,      /* or a bare FIN after exactly the bytes that ALLO
                             announced */
    UPLOAD_EOF_LENIENT,   /* or any bare FIN */
    UPLOAD_EOF_ANNOUNCED, /* close_notify, after exactly the bytes that ALLO
                             announced; without ALLO the server refuses the
                             upload */
    UPLOAD_EOF_COUNT
};

#define UPLOAD_EOF_EXPECTED "strict, size, lenient or announced"
extern const char *const upload_eof_words[UPLOAD_EOF_COUNT];

/* The form of the log. */
enum log_format {
    LOG_TEXT, /* "name=value" */
    LOG_JSON, /* one object a line */
    LOG_FORMATS
};

#define LOG_FORMAT_EXPECTED                                                    \
    "text or json; journald gets both from standard error"
extern const char *const log_format_words[LOG_FORMATS];

/* The settings that a user's row can override, by the same key. */
enum { CHOICE_CONFLICT, CHOICE_UPLOAD_EOF, CHOICE_BINDING, CHOICES };
extern const struct choice {
    const char *key, *expected;
    const char *const *words; /* by the number of the enum */
    unsigned count;
} choices[CHOICES];

/* The largest limit of bandwidth. */
#define BANDWIDTH_MAX (UINT64_C(1) << 40)

/* The limits that a line can set: row, key, option of sallyportctl, the
 * option's value (N: a number; SIZE: bytes), the word that removes the limit
 * ("default": the server's setting counts then), least (0: no limit), most,
 * help. The keys of the users file, the table that reader makes, and what
 * sallyportctl takes and shows follow from these rows. X is passed on to L. */
#define TEAM_LIMITS(L, X) /* of a user or a team */                            \
    L(X, SESSIONS, max_sessions, "max-sessions", "N", "default", 1, 20000,     \
      "the most sessions at a time, or default")                               \
    L(X, UP, bandwidth_up, "bandwidth-up", "SIZE", "default", 0,               \
      BANDWIDTH_MAX,                                                           \
      "bytes per second of the uploads of each session, such as 10M;\n"        \
      "0: no limit, or default")                                               \
    L(X, DOWN, bandwidth_down, "bandwidth-down", "SIZE", "default", 0,         \
      BANDWIDTH_MAX,                                                           \
      "bytes per second of the downloads of each session, such as 10M;\n"      \
      "0: no limit, or default")                                               \
    L(X, FILE_SIZE, max_file_size, "max-file-size", "SIZE", "default", 0,      \
      INT64_MAX, "the largest upload, such as 2G; 0: no limit, or default")
#define USER_LIMITS(L, X) /* of a user alone */                                \
    L(X, UPLOADS, uploads, "uploads", "N", "none", 1, UINT32_MAX,              \
      "the user may store N files in all, deleted files included;\n"           \
      "or none (no limit)")                                                    \
    L(X, UPLOAD_BYTES, upload_bytes, "upload-bytes", "SIZE", "none", 1,        \
      INT64_MAX,                                                               \
      "the user may store SIZE bytes in all, such as 20G; or none\n"           \
      "(no limit)")
#define LIMITS(L, X) TEAM_LIMITS(L, X) USER_LIMITS(L, X)

#define ROW_OF_LIMIT(X, row, key, option, value, none, least, most, help)      \
    ROW_##row,
enum {
    TEAM_LIMITS(ROW_OF_LIMIT, ) ROW_TEAM_LIMITS,
    ROW_BEFORE_USER_LIMITS = ROW_TEAM_LIMITS - 1,
    USER_LIMITS(ROW_OF_LIMIT, ) ROW_LIMITS
};
extern const struct limit_row {
    const char *key;
    uint64_t least, most;
} limit_rows[ROW_LIMITS];

/* Parts of a sandbox. If allow_weaker names a part, a process can run without
 * it. Master reports each missing part. */
enum sandbox_part {
    SANDBOX_IDS = 1,
    SANDBOX_CHROOT = 2,
    SANDBOX_SECCOMP = 4,
    SANDBOX_LANDLOCK = 8,
};

/* The words of allow_weaker, in the order of the bits. */
#define SANDBOX_PARTS 4
extern const char *const sandbox_words[SANDBOX_PARTS];

#endif
