/* Memory that survives a gate: master makes it, and each new gate maps it. */
#ifndef SALLYPORT_IPC_MEMORY_H
#define SALLYPORT_IPC_MEMORY_H

/* Size in bytes of the file in MSG_memory. The file is sealed, so that its size
 * can't change. A new file is all zero. */
#define GATE_MEMORY (1U << 20)

#endif
