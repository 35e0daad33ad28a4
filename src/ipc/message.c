/* The rows of the message list, and their fields. */
#include "sallyport/ipc/message.h"

#include <string.h>

#include "codec.h"

#define MASTER     PROCESS_BIT(PROCESS_MASTER)
#define GATE       PROCESS_BIT(PROCESS_GATE)
#define SESSION    PROCESS_BIT(PROCESS_SESSION)
#define AUTH       PROCESS_BIT(PROCESS_AUTH)
#define FILES      PROCESS_BIT(PROCESS_FILES)
#define KEYS       PROCESS_BIT(PROCESS_KEYS)
#define LOG        PROCESS_BIT(PROCESS_LOG)
#define LOOKUP     PROCESS_BIT(PROCESS_LOOKUP)
#define CTL        PROCESS_BIT(PROCESS_CTL)
#define SUPERVISOR PROCESS_BIT(PROCESS_SUPERVISOR)
#define CHILDREN   (GATE | AUTH | KEYS | LOG | LOOKUP)
#define SPEAKERS   (GATE | AUTH | KEYS | SESSION | FILES | LOOKUP)

#define START   PHASE_START
#define RUN     PHASE_RUN
#define LIVE    (PHASE_GREETED | PHASE_VERIFY | PHASE_USER)
#define IDLE    PHASE_IDLE
#define WRITING PHASE_WRITING
#define ASKED   PHASE_ASKED

/* clang-format off */
#define MESSAGE(message, ...)                                                  \
    static const struct message_field *message##_fields(void)                  \
    {                                                                          \
        typedef struct msg_##message body;                                     \
        static const struct message_field fields[] = {
#define FIELD(c_type, type, name, count)                                       \
            { #name, TYPE_##type, offsetof(body, name), count },
#define END                                                                    \
            { NULL, TYPE_END, sizeof(body), 0 }                               \
        };                                                                     \
        return fields;                                                         \
    }
#include "sallyport/ipc/list.h"

enum { ONCE = true, MANY = false };

static const struct message_row rows[MSG_COUNT] = {
#define MESSAGE(message, sender, receiver, when, how_often, request, words)    \
    [MSG_##message] = { .name = #message, .from = sender, .to = receiver,      \
        .phases = when, .once = how_often, .answers = MSG_##request,           \
        .purpose = words, .fields = message##_fields
#define FIELD(c_type, type, name, count)
#define END },
#include "sallyport/ipc/list.h"
};
/* clang-format on */

void message_head(char out[MESSAGE_HEAD], unsigned kind, uint32_t request)
{
    const struct codec_head head = { .kind = (uint16_t)kind,
                                     .request = request };

    memcpy(out, &head, sizeof(head));
}

const struct message_row *message_row(unsigned kind)
{
    if (kind == MSG_NONE || kind >= MSG_COUNT)
        return NULL;
    return &rows[kind];
}

const char *message_name(unsigned kind)
{
    const struct message_row *row = message_row(kind);

    return row ? row->name : "?";
}

size_t message_count(const struct message_row *row, enum field_type type)
{
    const struct message_field *f;
    size_t n = 0;

    for (f = row->fields(); f->type != TYPE_END; f++)
        n += f->type == type;
    return n;
}
