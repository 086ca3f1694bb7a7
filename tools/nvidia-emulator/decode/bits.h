// Reading and writing of H.264 and HEVC syntax.
#pragma once
#include <stddef.h>
#include <stdint.h>
#include <vector>

typedef std::vector<uint8_t> Bytes;

class BitWriter {
public:
    Bytes data;
    size_t length = 0; // in bits

    void u(int n, uint32_t value)
    {
        for (int i = n - 1; i >= 0; i--) {
            if (length % 8 == 0)
                data.push_back(0);
            if (value >> i & 1)
                data.back() |= 0x80 >> (length % 8);
            length++;
        }
    }
    void ue(uint32_t value)
    {
        int n = 0;
        while ((value + 1) >> (n + 1))
            n++;
        u(n, 0);
        u(n + 1, value + 1);
    }
    void se(int value) { ue(value > 0 ? 2 * value - 1 : -2 * value); }
    void stop()
    {
        u(1, 1);
        while (length % 8)
            u(1, 0);
    }
};

class BitReader {
public:
    const Bytes &data;
    size_t position = 0; // in bits
    explicit BitReader(const Bytes &d) : data(d) {}

    uint32_t u(int n)
    {
        uint32_t value = 0;
        while (n-- > 0) {
            size_t at = position / 8;
            value = value << 1 | (at < data.size() ? data[at] >> (7 - position % 8) & 1 : 0);
            position++;
        }
        return value;
    }
    uint32_t ue()
    {
        int n = 0;
        while (n < 32 && position < data.size() * 8 && !u(1))
            n++;
        return (1u << n) - 1 + u(n);
    }
};

// Takes the emulation prevention bytes out of a NAL unit, and puts them in.
static inline Bytes unescape(const uint8_t *from, size_t size)
{
    Bytes out;
    int zeros = 0;
    for (size_t i = 0; i < size; i++) {
        if (zeros >= 2 && from[i] == 3) {
            zeros = 0;
            continue;
        }
        zeros = from[i] ? 0 : zeros + 1;
        out.push_back(from[i]);
    }
    return out;
}

static inline void append_nal(Bytes *out, const Bytes &nal)
{
    static const uint8_t start[] = { 0, 0, 0, 1 };
    out->insert(out->end(), start, start + 4);
    int zeros = 0;
    for (uint8_t b : nal) {
        if (zeros >= 2 && b <= 3) {
            out->push_back(3);
            zeros = 0;
        }
        zeros = b ? 0 : zeros + 1;
        out->push_back(b);
    }
}
