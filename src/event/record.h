/* The insides of event records. */
#ifndef SALLYPORT_SRC_EVENT_RECORD_H
#define SALLYPORT_SRC_EVENT_RECORD_H

#include "sallyport/event/event.h"

#define EVENT_TEXT_MAX 4096

struct field_row {
    const char *name;
    bool number;
};
extern const struct field_row field_rows[FIELD_COUNT];

#endif
