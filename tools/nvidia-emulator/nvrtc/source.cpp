// Turns a CUDA kernel into C++.
//
// GStreamer 1.22 writes the picture sizes and colour matrices as __constant__
// lines into the text. They are taken out of it and given back when the kernel
// is launched: so one compiled kernel serves all sizes, and a cache filled
// beforehand is enough where g++ cannot run.
#include "source.h"
#include <ctype.h>

static bool word_at(const std::string &s, size_t i, const char *word)
{
    size_t n = strlen(word);
    return s.compare(i, n, word) == 0 && (i == 0 || !(isalnum(s[i - 1]) || s[i - 1] == '_')) &&
        !(isalnum(s[i + n]) || s[i + n] == '_');
}

static std::string next_name(const std::string &s, size_t *i)
{
    while (*i < s.size() && !(isalpha(s[*i]) || s[*i] == '_'))
        ++*i;
    size_t from = *i;
    while (*i < s.size() && (isalnum(s[*i]) || s[*i] == '_'))
        ++*i;
    return s.substr(from, *i - from);
}

Kernel read_kernel(const std::string &text)
{
    Kernel k;
    std::string members, defines, setter;
    size_t first = std::string::npos; // where the first constant stood in k.code
    for (size_t i = 0; i < text.size(); i++) {
        if (word_at(text, i, "__global__")) {
            size_t at = i + strlen("__global__");
            if (next_name(text, &at) == "void")
                k.names.push_back(next_name(text, &at));
        }
        size_t end;
        if (!word_at(text, i, "__constant__") || (end = text.find(';', i)) == std::string::npos) {
            k.code += text[i];
            continue;
        }
        // "__constant__ TYPE NAME = VALUE;", the value one number or a list in braces.
        size_t at = i + strlen("__constant__"), equal = text.find('=', i);
        std::string type = next_name(text, &at), name = next_name(text, &at);
        if (equal == std::string::npos || equal > end) {
            k.code += text[i];
            continue;
        }
        size_t from = k.numbers.size();
        bool list = false;
        for (size_t j = equal + 1; j < end;) {
            if (text[j] == '{')
                list = true;
            if (isdigit(text[j]) || text[j] == '-' || text[j] == '+' || text[j] == '.') {
                size_t stop = j;
                while (stop < end && (isalnum(text[stop]) || strchr("+-.", text[stop])))
                    stop++;
                k.numbers.push_back(text.substr(j, stop - j));
                j = stop;
            } else {
                j++;
            }
        }
        if (first == std::string::npos)
            first = k.code.size();
        members += "    " + type + " " + name + ";\n";
        defines += "#define " + name + " (nv_c->" + name + ")\n";
        for (size_t n = from; n < k.numbers.size(); n++) {
            std::string target = list ? "((float *)&c->" + name + ")[" + std::to_string(n - from) + "]" : "c->" + name;
            setter += "    " + target + " = " + (list ? "(float)" : "(" + type + ")") + "v[" + std::to_string(n) + "];\n";
        }
        i = end;
    }
    if (first != std::string::npos)
        k.code.insert(first,
            "struct nv_constants {\n" + members + "};\nstatic thread_local const nv_constants *nv_c;\n"
            "extern \"C\" unsigned long nv_emulator_constants_size() { return sizeof(nv_constants); }\n"
            "extern \"C\" void nv_emulator_constants_set(void *to, const double *v)\n{\n"
            "    nv_constants *c = (nv_constants *)to;\n" + setter + "}\n" + defines);
    for (auto &name : k.names) {
        k.code += "\nextern \"C\" void nv_emulator_launch_" + name + "(void **a, const unsigned int *g, const void *c)\n{\n";
        if (first != std::string::npos)
            k.code += "    nv_c = (const nv_constants *)c;\n";
        k.code += "    nv_emulator::launch(&" + name + ", a, g);\n}\n";
    }
    return k;
}
