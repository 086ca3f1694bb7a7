#pragma once
#include <string.h>
#include <string>
#include <vector>

struct Kernel {
    std::string code;                 // C++, without the shim
    std::vector<std::string> names;   // of the kernels in it
    std::vector<std::string> numbers; // the values of its constants
};
Kernel read_kernel(const std::string &text);
