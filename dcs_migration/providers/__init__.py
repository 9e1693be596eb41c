"""The classes that Pulumi's state refers to by import path: thin, and never moved or renamed.

The program pickles their instances by reference, and the plugin process loads them. Their work is done in
:mod:`dcs_migration.life_cycles`, which only the plugin process imports.
"""
