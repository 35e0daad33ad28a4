/* Memory for what gate knows about its clients. A fork doesn't inherit it. So
 * no session ever holds another client's address, and forks copy less. */
#ifndef GATE_TABLE_H
#define GATE_TABLE_H

#include <stddef.h>

/* N zeroed elements of SIZE bytes, or NULL. Never grows. */
void *table_new(size_t n, size_t size);
void table_free(void *table, size_t n, size_t size);

/* The smallest power of two that is at least N: for buckets and masks. */
size_t table_buckets(size_t n);

#endif
