/* Memory that survives gates: master makes it, and each gate maps it. */
#ifndef SALLYPORT_IPC_MEMORY_H
#define SALLYPORT_IPC_MEMORY_H

/* Size in bytes of the file of MSG_memory. The file is sealed, so that the size
 * can't change. A new one is all zero. */
#define GATE_MEMORY (1U << 20)

#endif
