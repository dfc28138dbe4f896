/* The payload as read-only data of the executable: mapped, not read, and only where it is touched. */
    .section .rodata.payload, "a", @progbits
    .globl payload, payload_end
    .balign 4096
payload:
    .incbin "payload.bin"
payload_end:
    .byte 0
    .section .note.GNU-stack, "", @progbits
